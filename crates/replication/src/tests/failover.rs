//! A change of roles, seen from the primary.

use expect_test::expect;

use super::check;

#[test]
fn a_primary_gives_its_role_away() {
    check(expect![[r#"
        > FAILOVER
          90 <- "-ERR FAILOVER requires connected replicas.\r\n"
        > FAILOVER ABORT
          90 <- "-ERR No failover in progress.\r\n"
        > FAILOVER FORCE
          90 <- "-ERR FAILOVER requires connected replicas.\r\n"
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
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
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
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
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
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
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
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
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
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
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
