//! Being followed.

use expect_test::expect;

use super::{Born, ReplicationId, check, check_born, check_with, settings_of_tests};

#[test]
fn a_replica_that_knows_eof_is_sent_a_copy_without_a_length() {
    check(expect![[r#"
        > 1 REPLCONF listening-port 7001
          1 <- "+OK\r\n"
        > 1 REPLCONF capa eof capa psync2
          1 <- "+OK\r\n"
        > 1 PSYNC ? -1
          Notice: Replica 10.0.0.7:7001 asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:7001
          Count(FullSync)
          Enlist { peer: PeerId(1) }
          KeepLog { bytes: 1048576 }
          Notice: Replication backlog created, my new replication IDs are '<0>' and '0000000000000000000000000000000000000000'
          Notice: Delay next BGSAVE for diskless SYNC
        > wait 6000
          1 <- "\n" (5 times)
          Notice: Starting BGSAVE for SYNC with target: replicas sockets
          take snapshot 1 to sockets, mark <1>
        > taken 1
          Hold { peer: PeerId(1), from: 0 }
          1 <- "+FULLRESYNC <0> 0\r\n"
          1 <- "$EOF:<1>\r\n"
          SendSnapshot { peer: PeerId(1), snapshot: SnapshotId(1) }
        > 1 has-snapshot
          Notice: Streamed RDB transfer with replica 10.0.0.7:7001 succeeded (socket). Waiting for REPLCONF ACK from slave to enable streaming
          Notice: Synchronization with replica 10.0.0.7:7001 succeeded
          Warning: Diskless rdb transfer, done reading from pipe, 1 replicas still up.
          CancelSnapshot { snapshot: SnapshotId(1) }
          GoodReplicas(1)
        > write 50
        > INFO
          role:master
          connected_slaves:1
          slave0:ip=10.0.0.7,port=7001,state=online,offset=0,lag=0
          master_failover_state:no-failover
          master_replid:<0>
          master_replid2:0000000000000000000000000000000000000000
          master_repl_offset:50
          second_repl_offset:-1
          repl_backlog_active:1
          repl_backlog_size:1048576
          repl_backlog_first_byte_offset:1
          repl_backlog_histlen:50
        > 1 REPLCONF ACK 0
          Feed { peer: PeerId(1) }
        > 1 REPLCONF ACK 50
        > ROLE
          *3\r\n$6\r\nmaster\r\n:50\r\n*1\r\n*3\r\n$8\r\n10.0.0.7\r\n$4\r\n7001\r\n$2\r\n50\r\n
        > INFO
          role:master
          connected_slaves:1
          slave0:ip=10.0.0.7,port=7001,state=online,offset=50,lag=0
          master_failover_state:no-failover
          master_replid:<0>
          master_replid2:0000000000000000000000000000000000000000
          master_repl_offset:50
          second_repl_offset:-1
          repl_backlog_active:1
          repl_backlog_size:1048576
          repl_backlog_first_byte_offset:1
          repl_backlog_histlen:50
    "#]]);
}

#[test]
fn a_replica_that_does_not_is_sent_a_file() {
    check(expect![[r#"
        > 1 PSYNC ? -1
          Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:<unknown-replica-port>
          Count(FullSync)
          Enlist { peer: PeerId(1) }
          KeepLog { bytes: 1048576 }
          Notice: Replication backlog created, my new replication IDs are '<0>' and '0000000000000000000000000000000000000000'
          Notice: Starting BGSAVE for SYNC with target: disk
          take snapshot 1 to file
          1 <- "\n"
          append "*1\r\n$4\r\nping\r\n"
        > taken 1
          Hold { peer: PeerId(1), from: 14 }
          1 <- "+FULLRESYNC <0> 14\r\n"
        > wait 2000
          1 <- "\n" (2 times)
        > written 1 176
          1 <- "$176\r\n"
          SendSnapshot { peer: PeerId(1), snapshot: SnapshotId(1) }
        > 1 has-snapshot
          Feed { peer: PeerId(1) }
          Notice: Synchronization with replica 10.0.0.7:<unknown-replica-port> succeeded
          CancelSnapshot { snapshot: SnapshotId(1) }
          GoodReplicas(1)
        # An old one is told no offset, and never confirms any.
        > 2 SYNC
          Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
          Count(FullSync)
          Enlist { peer: PeerId(2) }
          Notice: Starting BGSAVE for SYNC with target: disk
          take snapshot 2 to file
        > taken 2
          Hold { peer: PeerId(2), from: 14 }
        > written 2 176
          2 <- "$176\r\n"
          SendSnapshot { peer: PeerId(2), snapshot: SnapshotId(2) }
        > 2 has-snapshot
          Feed { peer: PeerId(2) }
          Notice: Synchronization with replica 10.0.0.7:<unknown-replica-port> succeeded
          CancelSnapshot { snapshot: SnapshotId(2) }
          GoodReplicas(2)
        > INFO
          role:master
          connected_slaves:2
          slave0:ip=10.0.0.7,port=0,state=online,offset=0,lag=0
          slave1:ip=10.0.0.7,port=0,state=online,offset=0,lag=0
          master_failover_state:no-failover
          master_replid:<0>
          master_replid2:0000000000000000000000000000000000000000
          master_repl_offset:14
          second_repl_offset:-1
          repl_backlog_active:1
          repl_backlog_size:1048576
          repl_backlog_first_byte_offset:1
          repl_backlog_histlen:14
    "#]]);
}

#[test]
fn all_who_wait_share_one_snapshot() {
    check(expect![[r#"
        > 1 REPLCONF capa eof
          1 <- "+OK\r\n"
        > 2 REPLCONF capa eof
          2 <- "+OK\r\n"
        > 3 REPLCONF capa eof
          3 <- "+OK\r\n"
        > 1 PSYNC ? -1
          Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:<unknown-replica-port>
          Count(FullSync)
          Enlist { peer: PeerId(1) }
          KeepLog { bytes: 1048576 }
          Notice: Replication backlog created, my new replication IDs are '<0>' and '0000000000000000000000000000000000000000'
          Notice: Delay next BGSAVE for diskless SYNC
        > wait 3000
          1 <- "\n" (3 times)
        > 2 PSYNC ? -1
          Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:<unknown-replica-port>
          Count(FullSync)
          Enlist { peer: PeerId(2) }
          Notice: Delay next BGSAVE for diskless SYNC
        > wait 3000
          1 <- "\n"
          2 <- "\n"
          1 <- "\n"
          2 <- "\n"
          Notice: Starting BGSAVE for SYNC with target: replicas sockets
          take snapshot 1 to sockets, mark <1>
        > 3 PSYNC ? -1
          Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:<unknown-replica-port>
          Count(FullSync)
          Enlist { peer: PeerId(3) }
          Notice: Current BGSAVE has socket target. Waiting for next BGSAVE for SYNC
        > taken 1
          Hold { peer: PeerId(1), from: 0 }
          1 <- "+FULLRESYNC <0> 0\r\n"
          1 <- "$EOF:<1>\r\n"
          SendSnapshot { peer: PeerId(1), snapshot: SnapshotId(1) }
          Hold { peer: PeerId(2), from: 0 }
          2 <- "+FULLRESYNC <0> 0\r\n"
          2 <- "$EOF:<1>\r\n"
          SendSnapshot { peer: PeerId(2), snapshot: SnapshotId(1) }
        > 1 has-snapshot
          Notice: Streamed RDB transfer with replica 10.0.0.7:<unknown-replica-port> succeeded (socket). Waiting for REPLCONF ACK from slave to enable streaming
          Notice: Synchronization with replica 10.0.0.7:<unknown-replica-port> succeeded
          GoodReplicas(1)
        > 2 has-snapshot
          Notice: Streamed RDB transfer with replica 10.0.0.7:<unknown-replica-port> succeeded (socket). Waiting for REPLCONF ACK from slave to enable streaming
          Notice: Synchronization with replica 10.0.0.7:<unknown-replica-port> succeeded
          Warning: Diskless rdb transfer, done reading from pipe, 2 replicas still up.
          CancelSnapshot { snapshot: SnapshotId(1) }
          GoodReplicas(2)
        > wait 6000
          3 <- "\n" (4 times)
          append "*1\r\n$4\r\nping\r\n"
          3 <- "\n"
          Notice: Starting BGSAVE for SYNC with target: replicas sockets
          take snapshot 2 to sockets, mark <2>
    "#]]);
}

#[test]
fn a_file_is_joined_while_the_log_still_goes_back_to_it() {
    check(expect![[r#"
        > 1 PSYNC ? -1
          Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:<unknown-replica-port>
          Count(FullSync)
          Enlist { peer: PeerId(1) }
          KeepLog { bytes: 1048576 }
          Notice: Replication backlog created, my new replication IDs are '<0>' and '0000000000000000000000000000000000000000'
          Notice: Starting BGSAVE for SYNC with target: disk
          take snapshot 1 to file
          1 <- "\n"
          append "*1\r\n$4\r\nping\r\n"
        > taken 1
          Hold { peer: PeerId(1), from: 14 }
          1 <- "+FULLRESYNC <0> 14\r\n"
        > write 100
        > 2 PSYNC ? -1
          Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:<unknown-replica-port>
          Count(FullSync)
          Enlist { peer: PeerId(2) }
          Notice: Waiting for end of BGSAVE for SYNC
          Hold { peer: PeerId(2), from: 14 }
          2 <- "+FULLRESYNC <0> 14\r\n"
        > written 1 176
          1 <- "$176\r\n"
          SendSnapshot { peer: PeerId(1), snapshot: SnapshotId(1) }
          2 <- "$176\r\n"
          SendSnapshot { peer: PeerId(2), snapshot: SnapshotId(1) }
        > 1 has-snapshot
          Feed { peer: PeerId(1) }
          Notice: Synchronization with replica 10.0.0.7:<unknown-replica-port> succeeded
          GoodReplicas(1)
        > 2 has-snapshot
          Feed { peer: PeerId(2) }
          Notice: Synchronization with replica 10.0.0.7:<unknown-replica-port> succeeded
          CancelSnapshot { snapshot: SnapshotId(1) }
          GoodReplicas(2)
    "#]]);
}

#[test]
fn a_stream_goes_on_only_from_what_is_known() {
    let born = Born {
        id: ReplicationId::parse(b"00112233445566778899aabbccddeeff00112233"),
        primary: None,
    };
    check_born(
        settings_of_tests(),
        born,
        100,
        expect![[r#"
              KeepLog { bytes: 1048576 }
            # The node was restarted at offset 100, and since then has another name.
            > write 50
            > 1 REPLCONF capa psync2
              1 <- "+OK\r\n"
            > 1 PSYNC <0> 101
              Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
              Count(PartialSync)
              Enlist { peer: PeerId(1) }
              1 <- "+CONTINUE <1>\r\n"
              Hold { peer: PeerId(1), from: 100 }
              Feed { peer: PeerId(1) }
              Notice: Partial resynchronization request from 10.0.0.7:<unknown-replica-port> accepted. Sending 50 bytes of backlog starting from offset 101.
              GoodReplicas(1)
            > 2 PSYNC <0> 102
              Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
              Notice: Partial resynchronization not accepted: Requested offset for second ID was 102, but I can reply up to 101
              Count(PartialRefused)
              Count(FullSync)
              Enlist { peer: PeerId(2) }
              Notice: Starting BGSAVE for SYNC with target: disk
              take snapshot 1 to file
            > 2 gone
              Warning: Connection with replica 10.0.0.7:<unknown-replica-port> lost.
              CancelSnapshot { snapshot: SnapshotId(1) }
            > 3 PSYNC <0> 100
              Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
              Notice: Unable to partial resync with replica 10.0.0.7:<unknown-replica-port> for lack of backlog (Replica request was: 100).
              Count(PartialRefused)
              Count(FullSync)
              Enlist { peer: PeerId(3) }
              Notice: Starting BGSAVE for SYNC with target: disk
              take snapshot 2 to file
            > 3 gone
              Warning: Connection with replica 10.0.0.7:<unknown-replica-port> lost.
              CancelSnapshot { snapshot: SnapshotId(2) }
            > 4 PSYNC <1> 151
              Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
              Count(PartialSync)
              Enlist { peer: PeerId(4) }
              4 <- "+CONTINUE\r\n"
              Hold { peer: PeerId(4), from: 150 }
              Feed { peer: PeerId(4) }
              Notice: Partial resynchronization request from 10.0.0.7:<unknown-replica-port> accepted. Sending 0 bytes of backlog starting from offset 151.
              GoodReplicas(2)
            > 5 PSYNC <1> 152
              Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
              Notice: Unable to partial resync with replica 10.0.0.7:<unknown-replica-port> for lack of backlog (Replica request was: 152).
              Warning: Warning: replica 10.0.0.7:<unknown-replica-port> tried to PSYNC with an offset that is greater than the master replication offset.
              Count(PartialRefused)
              Count(FullSync)
              Enlist { peer: PeerId(5) }
              Notice: Starting BGSAVE for SYNC with target: disk
              take snapshot 3 to file
            > 5 gone
              Warning: Connection with replica 10.0.0.7:<unknown-replica-port> lost.
              CancelSnapshot { snapshot: SnapshotId(3) }
            > forget 120
            > 6 PSYNC <1> 120
              Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
              Notice: Unable to partial resync with replica 10.0.0.7:<unknown-replica-port> for lack of backlog (Replica request was: 120).
              Count(PartialRefused)
              Count(FullSync)
              Enlist { peer: PeerId(6) }
              Notice: Starting BGSAVE for SYNC with target: disk
              take snapshot 4 to file
            > 6 gone
              Warning: Connection with replica 10.0.0.7:<unknown-replica-port> lost.
              CancelSnapshot { snapshot: SnapshotId(4) }
            > 7 PSYNC <1> 121
              Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
              Count(PartialSync)
              Enlist { peer: PeerId(7) }
              7 <- "+CONTINUE\r\n"
              Hold { peer: PeerId(7), from: 120 }
              Feed { peer: PeerId(7) }
              Notice: Partial resynchronization request from 10.0.0.7:<unknown-replica-port> accepted. Sending 30 bytes of backlog starting from offset 121.
              GoodReplicas(3)
            > 8 PSYNC <x> 121
              Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
              Notice: Partial resynchronization not accepted: Replication ID mismatch (Replica asked for 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', my replication IDs are '<1>' and '<0>')
              Count(PartialRefused)
              Count(FullSync)
              Enlist { peer: PeerId(8) }
              Notice: Starting BGSAVE for SYNC with target: disk
              take snapshot 5 to file
            > 8 gone
              Warning: Connection with replica 10.0.0.7:<unknown-replica-port> lost.
              CancelSnapshot { snapshot: SnapshotId(5) }
            > 9 PSYNC <1> what
              Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
              Warning: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization but with a wrong offset
              9 <- "-ERR value is not an integer or out of range\r\n"
            > 9 PSYNC <1>
              9 <- "-ERR wrong number of arguments for \'psync\' command\r\n"
        "#]],
    );
}

#[test]
fn what_replicas_say_of_themselves() {
    check(expect![[r#"
        > 1 REPLCONF
          1 <- "+OK\r\n"
        > 1 REPLCONF a
          1 <- "-ERR syntax error\r\n"
        > 1 REPLCONF a b
          1 <- "-ERR Unrecognized REPLCONF option: a\r\n"
        > 1 REPLCONF listening-port x
          1 <- "-ERR value is not an integer or out of range\r\n"
        > 1 REPLCONF listening-port 99999
          1 <- "+OK\r\n"
        > 1 REPLCONF listening-port 5 capa
          1 <- "-ERR syntax error\r\n"
        > 1 REPLCONF ip-address aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
          1 <- "-ERR REPLCONF ip-address provided by replica instance is too long: 54 bytes\r\n"
        > 1 REPLCONF CAPA EOF
          1 <- "+OK\r\n"
        > 1 REPLCONF ack 1
        > 1 REPLCONF getack *
        > 1 REPLCONF rdb-only 2
          1 <- "-ERR value is out of range, value must between 0 and 1\r\n"
        > 1 REPLCONF rdb-only x
          1 <- "-ERR value is not an integer or out of range\r\n"
        > 1 REPLCONF rdb-filter-only foo
          1 <- "-ERR Unsupported rdb-filter-only option: foo\r\n"
        > 1 REPLCONF rdb-filter-only "
          1 <- "-ERR Missing rdb-filter-only values\r\n"
        > 1 REPLCONF version 7.2.0
          1 <- "+OK\r\n"
        > 1 PSYNC ? -1 FAILOVER
          1 <- "-ERR PSYNC FAILOVER can\'t be sent to a master.\r\n"
        # What a replica is answered would stand in its stream.
        > 2 PSYNC ? -1
          Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:<unknown-replica-port>
          Count(FullSync)
          Enlist { peer: PeerId(2) }
          KeepLog { bytes: 1048576 }
          Notice: Replication backlog created, my new replication IDs are '<0>' and '0000000000000000000000000000000000000000'
          Notice: Starting BGSAVE for SYNC with target: disk
          take snapshot 1 to file
        > 2 REPLCONF listening-port 5
          Warning: Replica 10.0.0.7:5 generated a reply to command 'replconf', disconnecting it
          Drop { peer: PeerId(2) }
          Warning: Connection with replica 10.0.0.7:5 lost.
          CancelSnapshot { snapshot: SnapshotId(1) }
        # A copy without its keys is for those who know where it ends.
        > 3 REPLCONF rdb-filter-only functions
          3 <- "+OK\r\n"
        > 3 PSYNC ? -1
          Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:<unknown-replica-port>
          3 <- "-ERR Filtered replica requires EOF capability\r\n"
        > 3 REPLCONF capa eof rdb-only 1
          3 <- "+OK\r\n"
        > 3 PSYNC ? -1
          Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:<unknown-replica-port>
          Count(FullSync)
          Enlist { peer: PeerId(3) }
          Notice: Delay next BGSAVE for diskless SYNC
        > wait 6000
          3 <- "\n" (5 times)
          Notice: Starting BGSAVE for SYNC with target: replicas sockets
          take snapshot 2 to sockets, mark <1>
        > taken 2
          Hold { peer: PeerId(3), from: 0 }
          3 <- "+FULLRESYNC <0> 0\r\n"
          3 <- "$EOF:<1>\r\n"
          SendSnapshot { peer: PeerId(3), snapshot: SnapshotId(2) }
        > 3 has-snapshot
          Notice: RDB transfer completed, rdb only replica (10.0.0.7:<unknown-replica-port>) should be disconnected asap
          Drop { peer: PeerId(3) }
          Warning: Connection with replica 10.0.0.7:<unknown-replica-port> lost.
          Warning: Diskless rdb transfer, last replica dropped, killing fork child.
          CancelSnapshot { snapshot: SnapshotId(2) }
    "#]]);
}

#[test]
fn a_confirmation_from_the_future_ends_the_link() {
    check(expect![[r#"
        > 1 PSYNC ? -1
          Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:<unknown-replica-port>
          Count(FullSync)
          Enlist { peer: PeerId(1) }
          KeepLog { bytes: 1048576 }
          Notice: Replication backlog created, my new replication IDs are '<0>' and '0000000000000000000000000000000000000000'
          Notice: Starting BGSAVE for SYNC with target: disk
          take snapshot 1 to file
          1 <- "\n"
          append "*1\r\n$4\r\nping\r\n"
        > taken 1
          Hold { peer: PeerId(1), from: 14 }
          1 <- "+FULLRESYNC <0> 14\r\n"
        > written 1 10
          1 <- "$10\r\n"
          SendSnapshot { peer: PeerId(1), snapshot: SnapshotId(1) }
        > 1 has-snapshot
          Feed { peer: PeerId(1) }
          Notice: Synchronization with replica 10.0.0.7:<unknown-replica-port> succeeded
          CancelSnapshot { snapshot: SnapshotId(1) }
          GoodReplicas(1)
        > write 10
        > 1 REPLCONF ACK 10
        > 1 REPLCONF ACK 11
    "#]]);
}

#[test]
fn a_replica_that_reads_too_slowly_is_given_up_and_has_to_wait() {
    let mut settings = settings_of_tests();
    settings.output_limit.hard.0 = 2_000_000;
    settings.diskless_sync = false;
    check_with(
        settings,
        expect![[r#"
            > 1 REPLCONF listening-port 7001
              1 <- "+OK\r\n"
            > 1 PSYNC ? -1
              Notice: Replica 10.0.0.7:7001 asks for synchronization
              Notice: Full resync requested by replica 10.0.0.7:7001
              Count(FullSync)
              Enlist { peer: PeerId(1) }
              KeepLog { bytes: 1048576 }
              Notice: Replication backlog created, my new replication IDs are '<0>' and '0000000000000000000000000000000000000000'
              Notice: Starting BGSAVE for SYNC with target: disk
              take snapshot 1 to file
            > taken 1
              Hold { peer: PeerId(1), from: 0 }
              1 <- "+FULLRESYNC <0> 0\r\n"
            > written 1 10
              1 <- "$10\r\n"
              SendSnapshot { peer: PeerId(1), snapshot: SnapshotId(1) }
            > 1 has-snapshot
              Feed { peer: PeerId(1) }
              Notice: Synchronization with replica 10.0.0.7:7001 succeeded
              CancelSnapshot { snapshot: SnapshotId(1) }
              GoodReplicas(1)
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
            > 1 PSYNC ? -1
              Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
              Notice: Full resync requested by replica 10.0.0.7:<unknown-replica-port>
              Count(FullSync)
              Enlist { peer: PeerId(1) }
              KeepLog { bytes: 1048576 }
              Notice: Replication backlog created, my new replication IDs are '<0>' and '0000000000000000000000000000000000000000'
              Notice: Starting BGSAVE for SYNC with target: disk
              take snapshot 1 to file
              1 <- "\n"
              append "*1\r\n$4\r\nping\r\n"
            > taken 1
              Hold { peer: PeerId(1), from: 14 }
              1 <- "+FULLRESYNC <0> 14\r\n"
            > written 1 10
              1 <- "$10\r\n"
              SendSnapshot { peer: PeerId(1), snapshot: SnapshotId(1) }
            > 1 has-snapshot
              Feed { peer: PeerId(1) }
              Notice: Synchronization with replica 10.0.0.7:<unknown-replica-port> succeeded
              CancelSnapshot { snapshot: SnapshotId(1) }
              GoodReplicas(1)
            > wait 4500
              append "*1\r\n$4\r\nping\r\n" (2 times)
            > 1 REPLCONF ACK 14
            > wait 4000
              append "*1\r\n$4\r\nping\r\n" (2 times)
            > 1 newline
            > wait 12000
              append "*1\r\n$4\r\nping\r\n" (2 times)
              Warning: Disconnecting timedout replica (streaming sync): 10.0.0.7:<unknown-replica-port>
              Drop { peer: PeerId(1) }
              Warning: Connection with replica 10.0.0.7:<unknown-replica-port> lost.
              GoodReplicas(0)
              FreeLog
              Notice: Replication backlog freed after 3 seconds without connected replicas.
            > INFO
              role:master
              connected_slaves:0
              master_failover_state:no-failover
              master_replid:<1>
              master_replid2:0000000000000000000000000000000000000000
              master_repl_offset:98
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
        > 1 PSYNC ? -1
          Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:<unknown-replica-port>
          Count(FullSync)
          Enlist { peer: PeerId(1) }
          KeepLog { bytes: 1048576 }
          Notice: Replication backlog created, my new replication IDs are '<0>' and '0000000000000000000000000000000000000000'
          Notice: Starting BGSAVE for SYNC with target: disk
          take snapshot 1 to file
          1 <- "\n"
          append "*1\r\n$4\r\nping\r\n"
        > taken 1
          Hold { peer: PeerId(1), from: 14 }
          1 <- "+FULLRESYNC <0> 14\r\n"
        > wait 2000
          1 <- "\n" (2 times)
        > ping-period 3600000
        > wait 30000
          1 <- "\n" (30 times)
        > ping-period 5000
        > wait 6000
          1 <- "\n"
          append "*1\r\n$4\r\nping\r\n"
          1 <- "\n" (5 times)
          append "*1\r\n$4\r\nping\r\n"
    "#]]);
}

#[test]
fn clients_wait_for_what_replicas_confirm() {
    check(expect![[r#"
        > WAIT 0 100
          WaitOver { client: PeerId(90), kind: Wait, outcome: Confirmed(0) }
        > write 10
        > WAIT 1 100
        > wait 150
          WaitOver { client: PeerId(90), kind: Wait, outcome: TimedOut(0) }
        > 1 REPLCONF listening-port 7001
          1 <- "+OK\r\n"
        > 1 PSYNC ? -1
          Notice: Replica 10.0.0.7:7001 asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:7001
          Count(FullSync)
          Enlist { peer: PeerId(1) }
          KeepLog { bytes: 1048576 }
          Notice: Replication backlog created, my new replication IDs are '<0>' and '0000000000000000000000000000000000000000'
          Notice: Starting BGSAVE for SYNC with target: disk
          take snapshot 1 to file
        > taken 1
          Hold { peer: PeerId(1), from: 10 }
          1 <- "+FULLRESYNC <0> 10\r\n"
        > written 1 10
          1 <- "$10\r\n"
          SendSnapshot { peer: PeerId(1), snapshot: SnapshotId(1) }
        > 1 has-snapshot
          Feed { peer: PeerId(1) }
          Notice: Synchronization with replica 10.0.0.7:7001 succeeded
          CancelSnapshot { snapshot: SnapshotId(1) }
          GoodReplicas(1)
        > write 10
        > WAIT 1 0
          append "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n"
        > HOLD 1 500
          append "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n"
        > 1 REPLCONF ACK 19
        > 1 REPLCONF ACK 20
          WaitOver { client: PeerId(90), kind: Wait, outcome: Confirmed(1) }
        > write 5
        > HOLD 2 500
          append "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n"
        > wait 600
          WaitOver { client: PeerId(90), kind: Write, outcome: TimedOut(0) } (2 times)
        > WAIT 1 0
          append "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n"
        > REPLICAOF other 7002
          Notice: Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.
          WaitOver { client: PeerId(90), kind: Wait, outcome: RoleChanged }
          Become(Replica)
          Remember { primary: Some(Primary { host: "other", port: 7002 }) }
          Notice: Connecting to MASTER other:7002
          connect to other:7002
          Notice: MASTER <-> REPLICA sync started
          Notice: REPLICAOF other:7002 enabled (user request from 'id=5')
    "#]]);
}

#[test]
fn a_replica_that_comes_back_is_not_counted_twice() {
    check(expect![[r#"
        > 1 REPLCONF listening-port 7001
          1 <- "+OK\r\n"
        > 1 PSYNC ? -1
          Notice: Replica 10.0.0.7:7001 asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:7001
          Count(FullSync)
          Enlist { peer: PeerId(1) }
          KeepLog { bytes: 1048576 }
          Notice: Replication backlog created, my new replication IDs are '<0>' and '0000000000000000000000000000000000000000'
          Notice: Starting BGSAVE for SYNC with target: disk
          take snapshot 1 to file
        > taken 1
          Hold { peer: PeerId(1), from: 0 }
          1 <- "+FULLRESYNC <0> 0\r\n"
        > written 1 10
          1 <- "$10\r\n"
          SendSnapshot { peer: PeerId(1), snapshot: SnapshotId(1) }
        > 1 has-snapshot
          Feed { peer: PeerId(1) }
          Notice: Synchronization with replica 10.0.0.7:7001 succeeded
          CancelSnapshot { snapshot: SnapshotId(1) }
          GoodReplicas(1)
        > 1 REPLCONF ACK 0
        > write 10
        > 1 REPLCONF ACK 10
        > wait 100
        > 2 REPLCONF listening-port 7001
          2 <- "+OK\r\n"
        > 2 PSYNC <0> 11
          Notice: Replica 10.0.0.7:7001 asks for synchronization
          Count(PartialSync)
          Enlist { peer: PeerId(2) }
          2 <- "+CONTINUE\r\n"
          Hold { peer: PeerId(2), from: 10 }
          Feed { peer: PeerId(2) }
          Notice: Partial resynchronization request from 10.0.0.7:7001 accepted. Sending 0 bytes of backlog starting from offset 11.
        > 2 REPLCONF ACK 10
        > WAIT 2 100
          append "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n"
        > wait 100
          WaitOver { client: PeerId(90), kind: Wait, outcome: TimedOut(1) }
        # Two of the same address do live if both go on talking.
        > wait 2500
        > 1 REPLCONF ACK 10
          GoodReplicas(2)
        > WAIT 2 100
          append "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n"
    "#]]);
}

#[test]
fn a_primary_gives_its_role_away() {
    check(expect![[r#"
        > FAILOVER
          90 <- "-ERR FAILOVER requires connected replicas.\r\n"
        > FAILOVER ABORT
          90 <- "-ERR No failover in progress.\r\n"
        > FAILOVER FORCE
          error: ERR FAILOVER with force option requires both a timeout and target HOST and IP.
        > FAILOVER TIMEOUT 0
          error: ERR FAILOVER timeout must be greater than 0
        > FAILOVER TO a
          error: ERR syntax error
        > FAILOVER TO a x
          error: ERR value is not an integer or out of range
        > 1 REPLCONF listening-port 7001
          1 <- "+OK\r\n"
        > 1 PSYNC ? -1
          Notice: Replica 10.0.0.7:7001 asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:7001
          Count(FullSync)
          Enlist { peer: PeerId(1) }
          KeepLog { bytes: 1048576 }
          Notice: Replication backlog created, my new replication IDs are '<0>' and '0000000000000000000000000000000000000000'
          Notice: Starting BGSAVE for SYNC with target: disk
          take snapshot 1 to file
        > FAILOVER TO 10.0.0.7 7001
          90 <- "-ERR FAILOVER target replica is not online.\r\n"
        > taken 1
          Hold { peer: PeerId(1), from: 0 }
          1 <- "+FULLRESYNC <0> 0\r\n"
        > written 1 10
          1 <- "$10\r\n"
          SendSnapshot { peer: PeerId(1), snapshot: SnapshotId(1) }
        > 1 has-snapshot
          Feed { peer: PeerId(1) }
          Notice: Synchronization with replica 10.0.0.7:7001 succeeded
          CancelSnapshot { snapshot: SnapshotId(1) }
          GoodReplicas(1)
        > FAILOVER TO 10.0.0.9 7001
          90 <- "-ERR FAILOVER target HOST and PORT is not a replica.\r\n"
        > write 20
        > FAILOVER TO 10.0.0.7 7001 TIMEOUT 3000
          Notice: FAILOVER requested to 10.0.0.7:7001.
          PauseWrites(true)
          90 <- "+OK\r\n"
        > FAILOVER
          90 <- "-ERR FAILOVER already in progress.\r\n"
        > INFO
          role:master
          connected_slaves:1
          slave0:ip=10.0.0.7,port=7001,state=online,offset=0,lag=0
          master_failover_state:waiting-for-sync
          master_replid:<0>
          master_replid2:0000000000000000000000000000000000000000
          master_repl_offset:20
          second_repl_offset:-1
          repl_backlog_active:1
          repl_backlog_size:1048576
          repl_backlog_first_byte_offset:1
          repl_backlog_histlen:20
        > 1 REPLCONF ACK 20
          Notice: Failover target 10.0.0.7:7001 is synced, failing over.
          Notice: Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.
          Become(Replica)
          Remember { primary: Some(Primary { host: "10.0.0.7", port: 7001 }) }
          Notice: Connecting to MASTER 10.0.0.7:7001
          connect to 10.0.0.7:7001
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*5\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n"
        > primary +OK\r\n+OK\r\n
          Notice: Trying a partial resynchronization (request <0>:21).
          primary <- "*4\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$2\r\n21\r\n$8\r\nFAILOVER\r\n"
        > 1 gone
          Warning: Connection with replica 10.0.0.7:7001 lost.
          GoodReplicas(0)
        > primary +CONTINUE abcdefabcdefabcdefabcdefabcdefabcdefabcd\r\n
          Notice: Successful partial resynchronization with master.
          Warning: Master replication ID changed to <1>
          PauseWrites(false)
          Notice: MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.
        > INFO
          role:slave
          master_host:10.0.0.7
          master_port:7001
          master_link_status:up
          master_last_io_seconds_ago:0
          master_sync_in_progress:0
          slave_read_repl_offset:20
          slave_repl_offset:20
          slave_priority:100
          slave_read_only:1
          replica_announced:1
          connected_slaves:0
          master_failover_state:no-failover
          master_replid:<1>
          master_replid2:<0>
          master_repl_offset:20
          second_repl_offset:21
          repl_backlog_active:1
          repl_backlog_size:1048576
          repl_backlog_first_byte_offset:1
          repl_backlog_histlen:20
    "#]]);
}

#[test]
fn a_failover_that_fails() {
    check(expect![[r#"
        > 1 REPLCONF listening-port 7001
          1 <- "+OK\r\n"
        > 1 PSYNC ? -1
          Notice: Replica 10.0.0.7:7001 asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:7001
          Count(FullSync)
          Enlist { peer: PeerId(1) }
          KeepLog { bytes: 1048576 }
          Notice: Replication backlog created, my new replication IDs are '<0>' and '0000000000000000000000000000000000000000'
          Notice: Starting BGSAVE for SYNC with target: disk
          take snapshot 1 to file
        > taken 1
          Hold { peer: PeerId(1), from: 0 }
          1 <- "+FULLRESYNC <0> 0\r\n"
        > written 1 10
          1 <- "$10\r\n"
          SendSnapshot { peer: PeerId(1), snapshot: SnapshotId(1) }
        > 1 has-snapshot
          Feed { peer: PeerId(1) }
          Notice: Synchronization with replica 10.0.0.7:7001 succeeded
          CancelSnapshot { snapshot: SnapshotId(1) }
          GoodReplicas(1)
        > write 20
        > FAILOVER TIMEOUT 500
          Notice: FAILOVER requested to any replica.
          PauseWrites(true)
          90 <- "+OK\r\n"
        > wait 600
          Notice: FAILOVER to any replica aborted: Replica never caught up before timeout
          PauseWrites(false)
        > FAILOVER
          Notice: FAILOVER requested to any replica.
          PauseWrites(true)
          90 <- "+OK\r\n"
        > FAILOVER ABORT
          Notice: FAILOVER to any replica aborted: Failover manually aborted
          PauseWrites(false)
          90 <- "+OK\r\n"
        > FAILOVER TO 10.0.0.7 7001 FORCE TIMEOUT 100
          Notice: FAILOVER requested to 10.0.0.7:7001.
          PauseWrites(true)
          90 <- "+OK\r\n"
        > wait 100
          Notice: Failover to 10.0.0.7:7001 time out exceeded, failing over.
          Notice: Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.
          Become(Replica)
          Remember { primary: Some(Primary { host: "10.0.0.7", port: 7001 }) }
          Notice: Connecting to MASTER 10.0.0.7:7001
          connect to 10.0.0.7:7001
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*5\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n"
          Notice: Trying a partial resynchronization (request <0>:21).
          primary <- "*4\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$2\r\n21\r\n$8\r\nFAILOVER\r\n"
        > primary -ERR PSYNC FAILOVER replid must match my replid.\r\n
          Notice: FAILOVER to 10.0.0.7:7001 aborted: Failover target rejected psync request
          CloseLink { link: LinkId(1) }
          Notice: Discarding previously cached master state.
          Warning: Setting secondary replication ID to <0>, valid up to offset: 21. New replication ID is <1>
          Drop { peer: PeerId(1) }
          Warning: Connection with replica 10.0.0.7:7001 lost.
          Notice: MASTER MODE enabled (failover aborted)
          Become(Primary)
          Remember { primary: None }
          PauseWrites(false)
          GoodReplicas(0)
        > INFO
          role:master
          connected_slaves:0
          master_failover_state:no-failover
          master_replid:<1>
          master_replid2:<0>
          master_repl_offset:20
          second_repl_offset:21
          repl_backlog_active:1
          repl_backlog_size:1048576
          repl_backlog_first_byte_offset:1
          repl_backlog_histlen:20
    "#]]);
}

#[test]
fn a_lost_answer_does_not_make_two_primaries() {
    check(expect![[r#"
        > 1 REPLCONF listening-port 7001
          1 <- "+OK\r\n"
        > 1 PSYNC ? -1
          Notice: Replica 10.0.0.7:7001 asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:7001
          Count(FullSync)
          Enlist { peer: PeerId(1) }
          KeepLog { bytes: 1048576 }
          Notice: Replication backlog created, my new replication IDs are '<0>' and '0000000000000000000000000000000000000000'
          Notice: Starting BGSAVE for SYNC with target: disk
          take snapshot 1 to file
        > taken 1
          Hold { peer: PeerId(1), from: 0 }
          1 <- "+FULLRESYNC <0> 0\r\n"
        > written 1 10
          1 <- "$10\r\n"
          SendSnapshot { peer: PeerId(1), snapshot: SnapshotId(1) }
        > 1 has-snapshot
          Feed { peer: PeerId(1) }
          Notice: Synchronization with replica 10.0.0.7:7001 succeeded
          CancelSnapshot { snapshot: SnapshotId(1) }
          GoodReplicas(1)
        > 1 REPLCONF ACK 0
        > FAILOVER
          Notice: FAILOVER requested to any replica.
          PauseWrites(true)
          90 <- "+OK\r\n"
          Notice: Failover target 10.0.0.7:7001 is synced, failing over.
          Notice: Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.
          Become(Replica)
          Remember { primary: Some(Primary { host: "10.0.0.7", port: 7001 }) }
          Notice: Connecting to MASTER 10.0.0.7:7001
          connect to 10.0.0.7:7001
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*5\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n"
          Notice: Trying a partial resynchronization (request <0>:1).
          primary <- "*4\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n$8\r\nFAILOVER\r\n"
        > lost
          Warning: Master did not respond to command during SYNC handshake: Connection reset by peer
          CloseLink { link: LinkId(1) }
        > wait 1000
          Notice: Connecting to MASTER 10.0.0.7:7001
          connect to 10.0.0.7:7001
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*5\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n"
          Notice: Trying a partial resynchronization (request <0>:1).
          primary <- "*4\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n$8\r\nFAILOVER\r\n"
        > primary -ERR PSYNC FAILOVER can't be sent to a master.\r\n
          CloseLink { link: LinkId(2) }
        > wait 1000
          Notice: Connecting to MASTER 10.0.0.7:7001
          connect to 10.0.0.7:7001
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*5\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n"
          Notice: Trying a partial resynchronization (request <0>:1).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
        > primary +CONTINUE abcdefabcdefabcdefabcdefabcdefabcdefabcd\r\n
          Notice: Successful partial resynchronization with master.
          Warning: Master replication ID changed to <1>
          Drop { peer: PeerId(1) }
          Warning: Connection with replica 10.0.0.7:7001 lost.
          PauseWrites(false)
          Notice: MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.
          GoodReplicas(0)
    "#]]);
}
