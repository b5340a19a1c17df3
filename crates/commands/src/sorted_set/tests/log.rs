use expect_test::expect;

use crate::testing::check_log;

#[test]
fn what_pops_is_logged_as_what_was_popped() {
    check_log(
        r#"
        > ZADD a 1 x 2 y 3 z
        > ZADD b 4 p 5 q
        # log
        > ZPOPMIN a
        > ZPOPMAX b 1
        > ZMPOP 2 a b MIN COUNT 10
        > ZMPOP 2 a b MAX
        > ZMPOP 2 a b MAX
        > ZADD a 1 x 2 y 3 z
        > BZPOPMIN a 0
        > BZMPOP 0 2 b a MAX COUNT 5
        "#,
        expect![[r#"
            SELECT 0
            ZPOPMIN a
            ZPOPMAX b 1
            ZPOPMIN a 2
            ZPOPMAX b 1
            ZADD a 1 x 2 y 3 z
            ZPOPMIN a
            ZPOPMAX a 2
        "#]],
    );
}

#[test]
fn a_served_wait_is_logged_behind_what_serves_it() {
    check_log(
        r#"
        a> BZPOPMAX z 0
        b> BZMPOP 0 1 z MIN COUNT 2
        # log
        > ZADD z 1 one 2 two 3 three
        "#,
        expect![[r#"
            SELECT 0
            ZADD z 1 one 2 two 3 three
            ZPOPMAX z
            ZPOPMIN z 2
        "#]],
    );
}

#[test]
fn what_changes_nothing_is_not_logged() {
    check_log(
        r#"
        > ZADD z 1 a
        # log
        > ZADD z 1 a
        > ZADD z XX 1 b
        > ZADD z INCR 0 a
        > ZINCRBY z 0 a
        > ZREM z b
        > ZREMRANGEBYSCORE z 5 6
        > ZPOPMIN z 0
        > ZRANGESTORE d z 5 6
        > ZUNIONSTORE d 1 nokey
        "#,
        expect![[""]],
    );
}

#[test]
fn what_changes_something_is_logged_as_it_was_sent() {
    check_log(
        r#"
        # log
        > zadd z XX 1 b
        > zadd z CH 1 a 2 b
        > ZADD z INCR 1.5 a
        > ZINCRBY z 1 b
        > ZRANGESTORE d z 0 0
        > ZUNIONSTORE d 2 z d WEIGHTS 1 2
        > ZREMRANGEBYRANK d 0 0
        > ZREM z a b
        > ZRANGESTORE d z 0 0
        "#,
        expect![[r#"
            SELECT 0
            zadd z CH 1 a 2 b
            ZADD z INCR 1.5 a
            ZINCRBY z 1 b
            ZRANGESTORE d z 0 0
            ZUNIONSTORE d 2 z d WEIGHTS 1 2
            ZREMRANGEBYRANK d 0 0
            ZREM z a b
            ZRANGESTORE d z 0 0
        "#]],
    );
}
