use expect_test::expect;

use crate::testing::check;

#[test]
fn set_nx_and_xx_exclude_each_other() {
    check(expect![[r#"
        > SET k old NX
        OK
        > SET k new NX
        (nil)
        > SET k new XX GET EX 10
        "old"
        > SET k new NX XX
        (error) ERR syntax error
        @ +10s
        > GET k
        (nil)
    "#]]);
}
