use expect_test::expect;

use crate::testing::check_log;

#[test]
fn places_are_logged_as_scores() {
    check_log(
        r#"
        # log
        > GEOADD S 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        > GEOADD S 13.361389 38.115556 Palermo
        > GEOADD S XX 1 1 none
        > GEOADD S nx ch 1 1 Palermo 0 0 middle
        > GEOSEARCHSTORE d S FROMLONLAT 15 37 BYRADIUS 200 km
        > GEORADIUS S 15 37 200 km
        > GEORADIUS S 15 37 200 km STORE e
        > GEORADIUS S 15 37 0 km STORE e
        > GEORADIUS S 15 37 0 km STORE e
        "#,
        expect![[r#"
            SELECT 0
            ZADD S 3479099956230698 Palermo 3479447370796909 Catania
            ZADD S nx ch 3377822707026402 Palermo 3377699720527872 middle
            GEOSEARCHSTORE d S FROMLONLAT 15 37 BYRADIUS 200 km
            GEORADIUS S 15 37 200 km STORE e
            GEORADIUS S 15 37 0 km STORE e
        "#]],
    );
}

#[test]
fn a_repeated_target_is_refused_before_anything_is_stored() {
    check_log(
        r#"
        > GEOADD S 13.361389 38.115556 Palermo
        # log
        > GEORADIUS S 15 37 200 km STORE d STORE e
        > GEORADIUS S 15 37 200 km STOREDIST d STOREDIST e
        "#,
        expect![[""]],
    );
}
