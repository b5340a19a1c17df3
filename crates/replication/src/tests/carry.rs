//! Copies that carry the log of the meantime.

use expect_test::expect;

use super::check;

#[test]
fn those_who_can_share_a_copy_that_carries_the_log() {
    check(expect![[r#"
        > 1 REPLCONF listening-port 7001
          1 <- "+OK\r\n"
        > 1 REPLCONF capa eof capa psync2 capa ochre-log
          1 <- "+OK\r\n"
        > 1 PSYNC ? -1
          Notice: Replica 10.0.0.7:7001 asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:7001
          Count(FullSync)
          Enlist { peer: PeerId(1) }
          KeepLog { bytes: 1048576 }
          Notice: Replication backlog created, my new replication IDs are '<0>' and '0000000000000000000000000000000000000000'
          Notice: Delay next BGSAVE for diskless SYNC
        > 2 REPLCONF listening-port 7002
          2 <- "+OK\r\n"
        > 2 REPLCONF capa eof capa psync2 capa OCHRE-LOG
          2 <- "+OK\r\n"
        > 2 PSYNC ? -1
          Notice: Replica 10.0.0.7:7002 asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:7002
          Count(FullSync)
          Enlist { peer: PeerId(2) }
          Notice: Delay next BGSAVE for diskless SYNC
        > wait 5000
          1 <- "\n"
          2 <- "\n"
          1 <- "\n"
          2 <- "\n"
          1 <- "\n"
          2 <- "\n"
          1 <- "\n"
          2 <- "\n"
          1 <- "\n"
          2 <- "\n"
          Notice: Starting BGSAVE for SYNC with target: replicas sockets
          take snapshot 1 to sockets, with the log
        > write 30
        > taken 1
          Hold { peer: PeerId(1), from: 30 }
          1 <- "+FULLRESYNC <0> 30\r\n"
          1 <- "+OCHRE-LOG\r\n"
          SendSnapshot { peer: PeerId(1), snapshot: SnapshotId(1) }
          Hold { peer: PeerId(2), from: 30 }
          2 <- "+FULLRESYNC <0> 30\r\n"
          2 <- "+OCHRE-LOG\r\n"
          SendSnapshot { peer: PeerId(2), snapshot: SnapshotId(1) }
        > write 70
        > 1 sent 60
        # The end is in the copy: the stream follows it at once.
        > 1 has-snapshot
          Feed { peer: PeerId(1) }
          Notice: Synchronization with replica 10.0.0.7:7001 succeeded
          GoodReplicas(1)
        > 1 newline
        > 1 REPLCONF ACK 30
        > INFO
          role:master
          connected_slaves:2
          slave0:ip=10.0.0.7,port=7001,state=online,offset=30,lag=0
          slave1:ip=10.0.0.7,port=7002,state=wait_bgsave,offset=0,lag=0
          master_failover_state:no-failover
          master_replid:<0>
          master_replid2:0000000000000000000000000000000000000000
          master_repl_offset:100
          second_repl_offset:-1
          repl_backlog_active:1
          repl_backlog_size:1048576
          repl_backlog_first_byte_offset:1
          repl_backlog_histlen:100
    "#]]);
}

#[test]
fn a_copy_is_only_shared_with_the_log_if_all_can() {
    check(expect![[r#"
        > 1 REPLCONF listening-port 7001 capa eof capa psync2 capa ochre-log
          1 <- "+OK\r\n"
        > 1 PSYNC ? -1
          Notice: Replica 10.0.0.7:7001 asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:7001
          Count(FullSync)
          Enlist { peer: PeerId(1) }
          KeepLog { bytes: 1048576 }
          Notice: Replication backlog created, my new replication IDs are '<0>' and '0000000000000000000000000000000000000000'
          Notice: Delay next BGSAVE for diskless SYNC
        > 2 REPLCONF listening-port 7002 capa eof capa psync2
          2 <- "+OK\r\n"
        > 2 PSYNC ? -1
          Notice: Replica 10.0.0.7:7002 asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:7002
          Count(FullSync)
          Enlist { peer: PeerId(2) }
          Notice: Delay next BGSAVE for diskless SYNC
        > wait 5000
          1 <- "\n"
          2 <- "\n"
          1 <- "\n"
          2 <- "\n"
          1 <- "\n"
          2 <- "\n"
          1 <- "\n"
          2 <- "\n"
          1 <- "\n"
          2 <- "\n"
          Notice: Starting BGSAVE for SYNC with target: replicas sockets
          take snapshot 1 to sockets, mark <1>
        > taken 1
          Hold { peer: PeerId(1), from: 0 }
          1 <- "+FULLRESYNC <0> 0\r\n"
          1 <- "$EOF:<1>\r\n"
          SendSnapshot { peer: PeerId(1), snapshot: SnapshotId(1) }
          Hold { peer: PeerId(2), from: 0 }
          2 <- "+FULLRESYNC <0> 0\r\n"
          2 <- "$EOF:<1>\r\n"
          SendSnapshot { peer: PeerId(2), snapshot: SnapshotId(1) }
        # Nothing may follow a mark before it was found.
        > 1 has-snapshot
          Notice: Streamed RDB transfer with replica 10.0.0.7:7001 succeeded (socket). Waiting for REPLCONF ACK from slave to enable streaming
          Notice: Synchronization with replica 10.0.0.7:7001 succeeded
          GoodReplicas(1)
        > 1 REPLCONF ACK 0
          Feed { peer: PeerId(1) }
    "#]]);
}

#[test]
fn who_wants_the_snapshot_alone_is_sent_no_log() {
    check(expect![[r#"
        > 1 REPLCONF capa eof capa ochre-log rdb-only 1
          1 <- "+OK\r\n"
        > 1 PSYNC ? -1
          Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
          Notice: Full resync requested by replica 10.0.0.7:<unknown-replica-port>
          Count(FullSync)
          Enlist { peer: PeerId(1) }
          KeepLog { bytes: 1048576 }
          Notice: Replication backlog created, my new replication IDs are '<0>' and '0000000000000000000000000000000000000000'
          Notice: Delay next BGSAVE for diskless SYNC
        > wait 5000
          1 <- "\n" (5 times)
          Notice: Starting BGSAVE for SYNC with target: replicas sockets
          take snapshot 1 to sockets, mark <1>
        > taken 1
          Hold { peer: PeerId(1), from: 0 }
          1 <- "+FULLRESYNC <0> 0\r\n"
          1 <- "$EOF:<1>\r\n"
          SendSnapshot { peer: PeerId(1), snapshot: SnapshotId(1) }
    "#]]);
}

#[test]
fn the_log_of_the_meantime_is_kept_until_the_copy_is_loaded() {
    check(expect![[r#"
        > follows 100
        > lost
          CloseLink { link: LinkId(1) }
          Warning: Connection with master lost.
          Notice: Caching the disconnected master state.
          Notice: Reconnecting to MASTER 127.0.0.1:7000
        > wait 1000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC cccccccccccccccccccccccccccccccccccccccc 500\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: Trying a partial resynchronization (request <1>:101).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<1>\r\n$3\r\n101\r\n"
          Notice: Full resync from master: <2>:500
        > primary +OCHRE-LOG\r\n
          Notice: MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to disk
          Receive { link: LinkId(2), way: File, carries_log: true }
        > frame snapshot 0 REDIS
          Copy { link: LinkId(2), range: 17..22 }
        > frame log 500 *1\r\n$4\r\nPI
          Stream { link: LinkId(2), range: 17..27 }
        > frame snapshot 5 0011
          Copy { link: LinkId(2), range: 17..21 }
        > frame log 510 NG\r\n
          Stream { link: LinkId(2), range: 17..21 }
        > frame end 514
          Received { link: LinkId(2), trim: 0 }
        > primary *1\r\n$4\r\nPING\r\n
          Stream { link: LinkId(2), range: 0..14 }
        > inspected full
          Notice: Discarding previously cached master state.
          Notice: MASTER <-> REPLICA sync: Flushing old data
          Notice: MASTER <-> REPLICA sync: Loading DB in memory
          Load { link: LinkId(2), way: File }
        > primary *1\r\n$4\r\nPING\r\n
          Stream { link: LinkId(2), range: 0..14 }
        > loaded
          adopt at 500
          Notice: MASTER <-> REPLICA sync: Finished with success
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$3\r\n500\r\n"
        > applied 42
        > ROLE
          *5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:7000\r\n$9\r\nconnected\r\n:542\r\n
    "#]]);
}

#[test]
fn a_link_that_breaks_within_such_a_copy_takes_all_of_it_away() {
    check(expect![[r#"
        > follows 100
        > lost
          CloseLink { link: LinkId(1) }
          Warning: Connection with master lost.
          Notice: Caching the disconnected master state.
          Notice: Reconnecting to MASTER 127.0.0.1:7000
        > wait 1000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC cccccccccccccccccccccccccccccccccccccccc 500\r\n+OCHRE-LOG\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: Trying a partial resynchronization (request <1>:101).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<1>\r\n$3\r\n101\r\n"
          Notice: Full resync from master: <2>:500
          Notice: MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to disk
          Receive { link: LinkId(2), way: File, carries_log: true }
        > frame log 500 *1\r\n$4\r\nPI
          Stream { link: LinkId(2), range: 17..27 }
        > lost
          Warning: I/O error trying to sync with MASTER: Connection reset by peer
          CloseLink { link: LinkId(2) }
        > wait 1000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: Trying a partial resynchronization (request <1>:101).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<1>\r\n$3\r\n101\r\n"
    "#]]);
}

#[test]
fn a_primary_that_has_lost_count_is_left() {
    check(expect![[r#"
        > follows 100
        > lost
          CloseLink { link: LinkId(1) }
          Warning: Connection with master lost.
          Notice: Caching the disconnected master state.
          Notice: Reconnecting to MASTER 127.0.0.1:7000
        > wait 1000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC cccccccccccccccccccccccccccccccccccccccc 500\r\n+OCHRE-LOG\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: Trying a partial resynchronization (request <1>:101).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<1>\r\n$3\r\n101\r\n"
          Notice: Full resync from master: <2>:500
          Notice: MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to disk
          Receive { link: LinkId(2), way: File, carries_log: true }
        > frame snapshot 0 REDIS
          Copy { link: LinkId(2), range: 17..22 }
        > frame log 501 x
          Warning: Bad protocol from MASTER: a frame that is out of place within a full copy
          CloseLink { link: LinkId(2) }
        > wait 1000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n-ERR unknown command\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: Trying a partial resynchronization (request <1>:101).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<1>\r\n$3\r\n101\r\n"
          Notice: Master does not support PSYNC or is in error state (reply: -ERR unknown command)
          Notice: Retrying with SYNC...
          primary <- "SYNC\r\n"
        # Whoever tells no offset has no place for a log.
        > primary +OCHRE-LOG\r\n
          Warning: Bad protocol from MASTER: a full copy cannot begin with '+OCHRE-LOG'
          CloseLink { link: LinkId(3) }
    "#]]);
}
