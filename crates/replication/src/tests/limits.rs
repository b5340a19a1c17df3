//! What replicas are allowed, and how they are asked whether they live.

use expect_test::expect;

use super::{check, check_with, settings_of_tests};

#[test]
fn a_replica_that_reads_too_slowly_is_given_up_and_has_to_wait() {
    let mut settings = settings_of_tests();
    settings.output_limit.hard.0 = 2_000_000;
    settings.diskless_sync = false;
    check_with(
        settings,
        expect![[r#"
            > 1 joins 1
            > write 2000000
            > 1 sent 0
            > write 1
            > 1 sent 0
              Warning: Replica 10.0.0.7:7001 scheduled to be closed ASAP for overcoming of output buffer limits: 2000001 bytes are unread.
              Drop { peer: PeerId(1) }
              Warning: Connection with replica 10.0.0.7:7001 lost.
              GoodReplicas(0)
            > forget 1000000
            > 2 REPLCONF listening-port 7001
              2 <- "+OK\r\n"
            > 2 PSYNC ? -1
              Notice: Replica 10.0.0.7:7001 asks for synchronization
              Notice: Full resync requested by replica 10.0.0.7:7001
              Count(FullSync)
              Enlist { peer: PeerId(2) }
              Warning: Replica 10.0.0.7:7001 read too slowly. Its next full copy begins in 60 seconds
            > 3 PSYNC ? -1
              Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
              Notice: Full resync requested by replica 10.0.0.7:<unknown-replica-port>
              Count(FullSync)
              Enlist { peer: PeerId(3) }
              Notice: Starting BGSAVE for SYNC with target: disk
              take snapshot 2 to file
            > taken 2
              Hold { peer: PeerId(3), from: 2000001 }
              3 <- "+FULLRESYNC <0> 2000001\r\n"
            > 3 gone
              Warning: Connection with replica 10.0.0.7:<unknown-replica-port> lost.
              CancelSnapshot { snapshot: SnapshotId(2) }
            > wait 58000
              2 <- "\n" (10 times)
              append "*1\r\n$4\r\nping\r\n"
              2 <- "\n" (10 times)
              append "*1\r\n$4\r\nping\r\n"
              2 <- "\n" (10 times)
              append "*1\r\n$4\r\nping\r\n"
              2 <- "\n" (10 times)
              append "*1\r\n$4\r\nping\r\n"
              2 <- "\n" (10 times)
              append "*1\r\n$4\r\nping\r\n"
              2 <- "\n" (8 times)
            > 2 gone
              Warning: Connection with replica 10.0.0.7:7001 lost.
            > 2 REPLCONF listening-port 7001
              2 <- "+OK\r\n"
            > 2 PSYNC ? -1
              Notice: Replica 10.0.0.7:7001 asks for synchronization
              Notice: Full resync requested by replica 10.0.0.7:7001
              Count(FullSync)
              Enlist { peer: PeerId(2) }
              Warning: Replica 10.0.0.7:7001 read too slowly. Its next full copy begins in 2 seconds
            > wait 4000
              2 <- "\n" (2 times)
              Notice: Starting BGSAVE for SYNC with target: disk
              take snapshot 3 to file
              append "*1\r\n$4\r\nping\r\n"
              2 <- "\n" (2 times)
        "#]],
    );
}

#[test]
fn pings_and_timeouts() {
    let mut settings = settings_of_tests();
    (settings.timeout_ms, settings.ping_period_ms) = (5_000, 2_000);
    settings.backlog_ttl_ms = 3_000;
    check_with(
        settings,
        expect![[r#"
            > 1 joins 1
            > wait 4500
              append "*1\r\n$4\r\nping\r\n" (2 times)
            > 1 REPLCONF ACK 14
            > wait 4000
              append "*1\r\n$4\r\nping\r\n" (2 times)
            > 1 newline
            > wait 12000
              append "*1\r\n$4\r\nping\r\n" (2 times)
              Warning: Disconnecting timedout replica (streaming sync): 10.0.0.7:7001
              Drop { peer: PeerId(1) }
              Warning: Connection with replica 10.0.0.7:7001 lost.
              GoodReplicas(0)
              FreeLog
              Notice: Replication backlog freed after 3 seconds without connected replicas.
            > INFO
              role:master
              connected_slaves:0
              master_failover_state:no-failover
              master_replid:<1>
              master_replid2:0000000000000000000000000000000000000000
              master_repl_offset:84
              second_repl_offset:-1
              repl_backlog_active:0
              repl_backlog_size:1048576
              repl_backlog_first_byte_offset:0
              repl_backlog_histlen:0
        "#]],
    );
}

#[test]
fn a_longer_period_holds_for_the_next_ping() {
    check(expect![[r#"
        > 1 joins 1
        > wait 2000
        > ping-period 3600000
        > wait 30000
          GoodReplicas(0)
        > ping-period 5000
        > wait 6000
          append "*1\r\n$4\r\nping\r\n" (2 times)
    "#]]);
}
