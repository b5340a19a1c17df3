//! Being followed.

use expect_test::expect;

use super::{Born, ReplicationId, check, check_born, settings_of_tests};

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
