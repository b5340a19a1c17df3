//! Following.

use config::DisklessLoad;
use expect_test::expect;

use super::{Born, Primary, ReplicationId, check, check_born, check_with, settings_of_tests};

#[test]
fn a_copy_without_a_length_and_the_stream_behind_it() {
    let mut settings = settings_of_tests();
    settings.password = b"sec".to_vec();
    settings.user = b"usr".to_vec();
    settings.announce_ip = b"1.2.3.4".to_vec();
    check_with(
        settings,
        expect![[r#"
            > INFO
              role:master
              connected_slaves:0
              master_failover_state:no-failover
              master_replid:<0>
              master_replid2:0000000000000000000000000000000000000000
              master_repl_offset:0
              second_repl_offset:-1
              repl_backlog_active:0
              repl_backlog_size:1048576
              repl_backlog_first_byte_offset:0
              repl_backlog_histlen:0
            > REPLICAOF 127.0.0.1 7000
              Notice: Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.
              Become(Replica)
              Remember { primary: Some(Primary { host: "127.0.0.1", port: 7000 }) }
              Notice: Connecting to MASTER 127.0.0.1:7000
              connect to 127.0.0.1:7000
              Notice: MASTER <-> REPLICA sync started
              Notice: REPLICAOF 127.0.0.1:7000 enabled (user request from 'id=5')
            > ROLE
              *5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:7000\r\n$10\r\nconnecting\r\n:-1\r\n
            > connected
              Notice: Non blocking connect for SYNC fired the event.
              primary <- "*1\r\n$4\r\nPING\r\n"
            > primary +PO
            > primary NG\r\n
              Notice: Master replied to PING, replication can continue...
              primary <- "*3\r\n$4\r\nAUTH\r\n$3\r\nusr\r\n$3\r\nsec\r\n*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*3\r\n$8\r\nREPLCONF\r\n$10\r\nip-address\r\n$7\r\n1.2.3.4\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
            > ROLE
              *5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:7000\r\n$9\r\nhandshake\r\n:-1\r\n
            > primary +OK\r\n+OK\r\n+OK\r\n
            > primary +OK\r\n
              Notice: Trying a partial resynchronization (request <0>:1).
              primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
            > primary \n
            > wait 1000
            > primary \n+FULLRESYNC bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 100\r\n
              Notice: Full resync from master: <1>:100
            > primary $EOF:<x>\r\nREDIS0010
              Notice: MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to disk
              Receive { link: LinkId(1), way: File, carries_log: false }
              Copy { link: LinkId(1), range: 47..56 }
            > INFO
              role:slave
              master_host:127.0.0.1
              master_port:7000
              master_link_status:down
              master_last_io_seconds_ago:-1
              master_sync_in_progress:1
              slave_read_repl_offset:0
              slave_repl_offset:0
              master_sync_total_bytes:0
              master_sync_read_bytes:9
              master_sync_left_bytes:-9
              master_sync_perc:0.00
              master_sync_last_io_seconds_ago:0
              master_link_down_since_seconds:-1
              slave_priority:100
              slave_read_only:1
              replica_announced:1
              connected_slaves:0
              master_failover_state:no-failover
              master_replid:<0>
              master_replid2:0000000000000000000000000000000000000000
              master_repl_offset:0
              second_repl_offset:-1
              repl_backlog_active:0
              repl_backlog_size:1048576
              repl_backlog_first_byte_offset:0
              repl_backlog_histlen:0
            > primary xxxxxx
              Copy { link: LinkId(1), range: 0..6 }
            > primary xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx*1\r\n$4\r\nPING\r\n
              Copy { link: LinkId(1), range: 0..34 }
              Received { link: LinkId(1), trim: 40 }
              Stream { link: LinkId(1), range: 34..48 }
            > inspected full
              Notice: Discarding previously cached master state.
              Notice: MASTER <-> REPLICA sync: Flushing old data
              Notice: MASTER <-> REPLICA sync: Loading DB in memory
              Load { link: LinkId(1), way: File }
            > wait 2000
              primary <- "\n" (2 times)
            > ROLE
              *5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:7000\r\n$4\r\nsync\r\n:-1\r\n
            > loaded
              adopt at 100
              KeepLog { bytes: 1048576 }
              Notice: MASTER <-> REPLICA sync: Finished with success
              primary <- "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$3\r\n100\r\n"
            > applied 14
            > ROLE
              *5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:7000\r\n$9\r\nconnected\r\n:114\r\n
            > wait 1000
              primary <- "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$3\r\n114\r\n"
            > getack
              primary <- "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$3\r\n114\r\n"
            > INFO
              role:slave
              master_host:127.0.0.1
              master_port:7000
              master_link_status:up
              master_last_io_seconds_ago:1
              master_sync_in_progress:0
              slave_read_repl_offset:151
              slave_repl_offset:151
              slave_priority:100
              slave_read_only:1
              replica_announced:1
              connected_slaves:0
              master_failover_state:no-failover
              master_replid:<1>
              master_replid2:0000000000000000000000000000000000000000
              master_repl_offset:151
              second_repl_offset:-1
              repl_backlog_active:1
              repl_backlog_size:1048576
              repl_backlog_first_byte_offset:101
              repl_backlog_histlen:51
        "#]],
    );
}

#[test]
fn a_copy_with_a_length_after_a_lost_link_goes_on() {
    check(expect![[r#"
        > REPLICAOF 127.0.0.1 7000
          Notice: Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.
          Become(Replica)
          Remember { primary: Some(Primary { host: "127.0.0.1", port: 7000 }) }
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
          Notice: REPLICAOF 127.0.0.1:7000 enabled (user request from 'id=5')
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 100\r\n$18\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: Trying a partial resynchronization (request <0>:1).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
          Notice: Full resync from master: <1>:100
          Notice: MASTER <-> REPLICA sync: receiving 18 bytes from master to disk
          Receive { link: LinkId(1), way: File, carries_log: false }
        > primary 123456789
          Copy { link: LinkId(1), range: 0..9 }
        > primary 012345678*1\r\n
          Copy { link: LinkId(1), range: 0..9 }
          Received { link: LinkId(1), trim: 0 }
          Stream { link: LinkId(1), range: 9..13 }
        > inspected full
          Notice: Discarding previously cached master state.
          Notice: MASTER <-> REPLICA sync: Flushing old data
          Notice: MASTER <-> REPLICA sync: Loading DB in memory
          Load { link: LinkId(1), way: File }
        > loaded
          adopt at 100
          KeepLog { bytes: 1048576 }
          Notice: MASTER <-> REPLICA sync: Finished with success
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$3\r\n100\r\n"
        > wait 2000
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$3\r\n100\r\n" (2 times)
        > lost
          CloseLink { link: LinkId(1) }
          Warning: Connection with master lost.
          Notice: Caching the disconnected master state.
          Notice: Reconnecting to MASTER 127.0.0.1:7000
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
        > 5 PSYNC ? -1
          5 <- "-NOMASTERLINK Can\'t SYNC while not connected with my master\r\n"
        > primary +CONTINUE\r\n
          Notice: Successful partial resynchronization with master.
          Notice: MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.
        > 5 PSYNC <1> 101
          Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
          Count(PartialSync)
          Enlist { peer: PeerId(5) }
          5 <- "+CONTINUE\r\n"
          Hold { peer: PeerId(5), from: 100 }
          Feed { peer: PeerId(5) }
          Notice: Partial resynchronization request from 10.0.0.7:<unknown-replica-port> accepted. Sending 0 bytes of backlog starting from offset 101.
          GoodReplicas(1)
        > primary *1\r\n
          Stream { link: LinkId(2), range: 0..4 }
        > wait 1500
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$3\r\n100\r\n"
        > lost
          CloseLink { link: LinkId(2) }
          Warning: Connection with master lost.
          Notice: Caching the disconnected master state.
          Notice: Reconnecting to MASTER 127.0.0.1:7000
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
        # Another primary has taken over; whoever follows this node has to learn of it.
        > primary +CONTINUE cccccccccccccccccccccccccccccccccccccccc\r\n
          Notice: Successful partial resynchronization with master.
          Warning: Master replication ID changed to <2>
          Drop { peer: PeerId(5) }
          Warning: Connection with replica 10.0.0.7:<unknown-replica-port> lost.
          Notice: MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.
          GoodReplicas(0)
        > 6 PSYNC <1> 101
          Notice: Replica 10.0.0.7:<unknown-replica-port> asks for synchronization
          Count(PartialSync)
          Enlist { peer: PeerId(6) }
          6 <- "+CONTINUE\r\n"
          Hold { peer: PeerId(6), from: 100 }
          Feed { peer: PeerId(6) }
          Notice: Partial resynchronization request from 10.0.0.7:<unknown-replica-port> accepted. Sending 0 bytes of backlog starting from offset 101.
          GoodReplicas(1)
        > REPLICAOF NO ONE
          CloseLink { link: LinkId(3) }
          Warning: Connection with master lost.
          Notice: Caching the disconnected master state.
          Notice: Discarding previously cached master state.
          Warning: Setting secondary replication ID to <2>, valid up to offset: 101. New replication ID is <3>
          Drop { peer: PeerId(6) }
          Warning: Connection with replica 10.0.0.7:<unknown-replica-port> lost.
          Notice: MASTER MODE enabled (user request from 'id=5')
          Become(Primary)
          Remember { primary: None }
          GoodReplicas(0)
        > INFO
          role:master
          connected_slaves:0
          master_failover_state:no-failover
          master_replid:<3>
          master_replid2:<2>
          master_repl_offset:100
          second_repl_offset:101
          repl_backlog_active:1
          repl_backlog_size:1048576
          repl_backlog_first_byte_offset:101
          repl_backlog_histlen:0
    "#]]);
}

#[test]
fn what_primaries_answer() {
    check(expect![[r#"
        > REPLICAOF 127.0.0.1 7000
          Notice: Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.
          Become(Replica)
          Remember { primary: Some(Primary { host: "127.0.0.1", port: 7000 }) }
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
          Notice: REPLICAOF 127.0.0.1:7000 enabled (user request from 'id=5')
        > lost
          Warning: Error condition on socket for SYNC: Connection reset by peer
          CloseLink { link: LinkId(1) }
        > wait 1000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary -ERR foo\r\n
          Warning: Error reply to PING from master: '-ERR foo'
          CloseLink { link: LinkId(2) }
        > wait 1000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary -NOAUTH Authentication required.\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
        > primary -NOAUTH\r\n-ERR capa\r\n
          Notice: (Non critical) Master does not understand REPLCONF listening-port: -NOAUTH
          Notice: (Non critical) Master does not understand REPLCONF capa: -ERR capa
          Notice: Trying a partial resynchronization (request <0>:1).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
        > primary -NOMASTERLINK Can't SYNC while not connected with my master\r\n
          Notice: Master is currently unable to PSYNC but should be in the future: -NOMASTERLINK Can\'t SYNC while not connected with my master
          CloseLink { link: LinkId(3) }
        > wait 1000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n-LOADING busy\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: Trying a partial resynchronization (request <0>:1).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
          Notice: Master is currently unable to PSYNC but should be in the future: -LOADING busy
          CloseLink { link: LinkId(4) }
        > wait 1000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n-NOPERM no\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: Trying a partial resynchronization (request <0>:1).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
          Warning: Unexpected reply to PSYNC from master: -NOPERM no
          CloseLink { link: LinkId(5) }
        > wait 1000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC abc 1\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: Trying a partial resynchronization (request <0>:1).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
          Warning: Master replied with wrong +FULLRESYNC syntax: +FULLRESYNC abc 1
          CloseLink { link: LinkId(6) }
        > wait 1000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb -1\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: Trying a partial resynchronization (request <0>:1).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
          Warning: Master replied with wrong +FULLRESYNC syntax: +FULLRESYNC <1> -1
          CloseLink { link: LinkId(7) }
        > wait 1000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n+CONTINUE abc\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: Trying a partial resynchronization (request <0>:1).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
          Warning: The primary continues what was not asked for, or under no proper name. Closing the link
          CloseLink { link: LinkId(8) }
        > wait 1000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 5\r\n-ERR bad\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: Trying a partial resynchronization (request <0>:1).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
          Notice: Full resync from master: <1>:5
          Warning: MASTER aborted replication with an error: -ERR bad
          CloseLink { link: LinkId(9) }
        > wait 1000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 5\r\n$-5\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: Trying a partial resynchronization (request <0>:1).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
          Notice: Full resync from master: <1>:5
          Warning: Bad protocol from MASTER: a full copy cannot begin with '$-5'
          CloseLink { link: LinkId(10) }
        > wait 1000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 5\r\n$EOF:abc\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: Trying a partial resynchronization (request <0>:1).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
          Notice: Full resync from master: <1>:5
          Warning: Bad protocol from MASTER: a full copy cannot begin with '$EOF:abc'
          CloseLink { link: LinkId(11) }
    "#]]);
}

#[test]
fn an_old_primary_is_asked_with_sync_and_told_nothing() {
    check(expect![[r#"
        > REPLICAOF 127.0.0.1 7000
          Notice: Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.
          Become(Replica)
          Remember { primary: Some(Primary { host: "127.0.0.1", port: 7000 }) }
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
          Notice: REPLICAOF 127.0.0.1:7000 enabled (user request from 'id=5')
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n-ERR port\r\n-ERR capa\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: (Non critical) Master does not understand REPLCONF listening-port: -ERR port
          Notice: (Non critical) Master does not understand REPLCONF capa: -ERR capa
          Notice: Trying a partial resynchronization (request <0>:1).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
        > primary -ERR unknown command 'PSYNC'\r\n
          Notice: Master does not support PSYNC or is in error state (reply: -ERR unknown command \'PSYNC\')
          Notice: Retrying with SYNC...
          primary <- "SYNC\r\n"
        > primary $3\r\nabc
          Notice: MASTER <-> REPLICA sync: receiving 3 bytes from master to disk
          Receive { link: LinkId(1), way: File, carries_log: false }
          Copy { link: LinkId(1), range: 4..7 }
          Received { link: LinkId(1), trim: 0 }
        > inspected full
          Notice: Discarding previously cached master state.
          Notice: MASTER <-> REPLICA sync: Flushing old data
          Notice: MASTER <-> REPLICA sync: Loading DB in memory
          Load { link: LinkId(1), way: File }
        > loaded
          adopt at 0
          KeepLog { bytes: 1048576 }
          Notice: MASTER <-> REPLICA sync: Finished with success
        > applied 14
        > wait 2000
        > lost
          CloseLink { link: LinkId(1) }
          Warning: Connection with master lost.
          Notice: Caching the disconnected master state.
          Notice: Reconnecting to MASTER 127.0.0.1:7000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n-ERR port\r\n-ERR capa\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: (Non critical) Master does not understand REPLCONF listening-port: -ERR port
          Notice: (Non critical) Master does not understand REPLCONF capa: -ERR capa
          Notice: Partial resynchronization not possible (no cached master)
          primary <- "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n"
    "#]]);
}

#[test]
fn silence_ends_every_stage() {
    let mut settings = settings_of_tests();
    settings.timeout_ms = 3_000;
    check_with(
        settings,
        expect![[r#"
            > REPLICAOF 127.0.0.1 7000
              Notice: Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.
              Become(Replica)
              Remember { primary: Some(Primary { host: "127.0.0.1", port: 7000 }) }
              Notice: Connecting to MASTER 127.0.0.1:7000
              connect to 127.0.0.1:7000
              Notice: MASTER <-> REPLICA sync started
              Notice: REPLICAOF 127.0.0.1:7000 enabled (user request from 'id=5')
            > wait 4000
              Warning: Timeout connecting to the MASTER...
              CloseLink { link: LinkId(1) }
            > wait 1000
              Notice: Connecting to MASTER 127.0.0.1:7000
              connect to 127.0.0.1:7000
              Notice: MASTER <-> REPLICA sync started
            > connected
              Notice: Non blocking connect for SYNC fired the event.
              primary <- "*1\r\n$4\r\nPING\r\n"
            > primary +PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 5\r\n$9\r\nabc
              Notice: Master replied to PING, replication can continue...
              primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
              Notice: Trying a partial resynchronization (request <0>:1).
              primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
              Notice: Full resync from master: <1>:5
              Notice: MASTER <-> REPLICA sync: receiving 9 bytes from master to disk
              Receive { link: LinkId(2), way: File, carries_log: false }
              Copy { link: LinkId(2), range: 77..80 }
            > wait 4000
              Warning: Timeout receiving bulk data from MASTER... If this goes on, set 'repl-timeout' to a larger value.
              CloseLink { link: LinkId(2) }
            > wait 1000
              Notice: Connecting to MASTER 127.0.0.1:7000
              connect to 127.0.0.1:7000
              Notice: MASTER <-> REPLICA sync started
            > connected
              Notice: Non blocking connect for SYNC fired the event.
              primary <- "*1\r\n$4\r\nPING\r\n"
            > primary +PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 5\r\n$3\r\nabc
              Notice: Master replied to PING, replication can continue...
              primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
              Notice: Trying a partial resynchronization (request <0>:1).
              primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
              Notice: Full resync from master: <1>:5
              Notice: MASTER <-> REPLICA sync: receiving 3 bytes from master to disk
              Receive { link: LinkId(3), way: File, carries_log: false }
              Copy { link: LinkId(3), range: 77..80 }
              Received { link: LinkId(3), trim: 0 }
            > inspected full
              Notice: Discarding previously cached master state.
              Notice: MASTER <-> REPLICA sync: Flushing old data
              Notice: MASTER <-> REPLICA sync: Loading DB in memory
              Load { link: LinkId(3), way: File }
            > loaded
              adopt at 5
              KeepLog { bytes: 1048576 }
              Notice: MASTER <-> REPLICA sync: Finished with success
              primary <- "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$1\r\n5\r\n"
            > wait 4000
              primary <- "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$1\r\n5\r\n" (3 times)
              Warning: MASTER timeout: no data nor PING received...
              CloseLink { link: LinkId(3) }
              Warning: Connection with master lost.
              Notice: Caching the disconnected master state.
              Notice: Reconnecting to MASTER 127.0.0.1:7000
              Notice: Connecting to MASTER 127.0.0.1:7000
              connect to 127.0.0.1:7000
              Notice: MASTER <-> REPLICA sync started
        "#]],
    );
}

#[test]
fn an_empty_primary_does_not_empty_its_replicas() {
    let born = Born {
        id: ReplicationId::parse(b"00112233445566778899aabbccddeeff00112233"),
        primary: Some(Primary {
            host: "127.0.0.1".to_owned(),
            port: 7000,
        }),
    };
    check_born(
        settings_of_tests(),
        born,
        100,
        expect![[r#"
              KeepLog { bytes: 1048576 }
              Become(Replica)
              Notice: Connecting to MASTER 127.0.0.1:7000
              connect to 127.0.0.1:7000
              Notice: MASTER <-> REPLICA sync started
            > data yes
            > connected
              Notice: Non blocking connect for SYNC fired the event.
              primary <- "*1\r\n$4\r\nPING\r\n"
            > primary +PONG\r\n+OK\r\n+OK\r\n
              Notice: Master replied to PING, replication can continue...
              primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
              Notice: Trying a partial resynchronization (request <0>:101).
              primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$3\r\n101\r\n"
            > primary +FULLRESYNC bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 0\r\n$3\r\nabc
              Notice: Full resync from master: <1>:0
              Notice: MASTER <-> REPLICA sync: receiving 3 bytes from master to disk
              Receive { link: LinkId(1), way: File, carries_log: false }
              Copy { link: LinkId(1), range: 60..63 }
              Received { link: LinkId(1), trim: 0 }
            > inspected empty
              Warning: The primary 127.0.0.1:7000 has come back empty and with another history. This node keeps its data and does not follow. To empty it all the same, repeat REPLICAOF, or set 'replica-full-sync-from-empty-master yes'
              CloseLink { link: LinkId(1) }
            > INFO
              role:slave
              master_host:127.0.0.1
              master_port:7000
              master_link_status:down
              master_last_io_seconds_ago:-1
              master_sync_in_progress:0
              slave_read_repl_offset:100
              slave_repl_offset:100
              master_link_down_since_seconds:-1
              master_sync_refused:empty-master
              slave_priority:100
              slave_read_only:1
              replica_announced:1
              connected_slaves:0
              master_failover_state:no-failover
              master_replid:<0>
              master_replid2:0000000000000000000000000000000000000000
              master_repl_offset:100
              second_repl_offset:-1
              repl_backlog_active:1
              repl_backlog_size:1048576
              repl_backlog_first_byte_offset:101
              repl_backlog_histlen:0
            > wait 2000
              Notice: Connecting to MASTER 127.0.0.1:7000
              connect to 127.0.0.1:7000
              Notice: MASTER <-> REPLICA sync started
            > connected
              Notice: Non blocking connect for SYNC fired the event.
              primary <- "*1\r\n$4\r\nPING\r\n"
            > primary +PONG\r\n+OK\r\n+OK\r\n
              Notice: Master replied to PING, replication can continue...
              primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
              Notice: Trying a partial resynchronization (request <0>:101).
              primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$3\r\n101\r\n"
            > primary +FULLRESYNC bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 0\r\n$3\r\nabc
              Notice: Full resync from master: <1>:0
              Notice: MASTER <-> REPLICA sync: receiving 3 bytes from master to disk
              Receive { link: LinkId(2), way: File, carries_log: false }
              Copy { link: LinkId(2), range: 60..63 }
              Received { link: LinkId(2), trim: 0 }
            > inspected empty
              Warning: The primary 127.0.0.1:7000 has come back empty and with another history. This node keeps its data and does not follow. To empty it all the same, repeat REPLICAOF, or set 'replica-full-sync-from-empty-master yes'
              CloseLink { link: LinkId(2) }
            # The operator insists.
            > REPLICAOF 127.0.0.1 7000
              Notice: REPLICAOF: this node follows 127.0.0.1:7000 already
              Notice: Connecting to MASTER 127.0.0.1:7000
              connect to 127.0.0.1:7000
              Notice: MASTER <-> REPLICA sync started
            > connected
              Notice: Non blocking connect for SYNC fired the event.
              primary <- "*1\r\n$4\r\nPING\r\n"
            > primary +PONG\r\n+OK\r\n+OK\r\n
              Notice: Master replied to PING, replication can continue...
              primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
              Notice: Trying a partial resynchronization (request <0>:101).
              primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$3\r\n101\r\n"
            > primary +FULLRESYNC bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 0\r\n$3\r\nabc
              Notice: Full resync from master: <1>:0
              Notice: MASTER <-> REPLICA sync: receiving 3 bytes from master to disk
              Receive { link: LinkId(3), way: File, carries_log: false }
              Copy { link: LinkId(3), range: 60..63 }
              Received { link: LinkId(3), trim: 0 }
            > inspected empty
              Notice: Discarding previously cached master state.
              Notice: MASTER <-> REPLICA sync: Flushing old data
              Notice: MASTER <-> REPLICA sync: Loading DB in memory
              Load { link: LinkId(3), way: File }
            > loaded
              adopt at 0
              Notice: MASTER <-> REPLICA sync: Finished with success
              primary <- "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$1\r\n0\r\n"
        "#]],
    );
}

#[test]
fn a_torn_copy_leaves_a_node_without_a_past() {
    check(expect![[r#"
        > data yes
        > REPLICAOF 127.0.0.1 7000
          Notice: Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.
          Become(Replica)
          Remember { primary: Some(Primary { host: "127.0.0.1", port: 7000 }) }
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
          Notice: REPLICAOF 127.0.0.1:7000 enabled (user request from 'id=5')
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 5\r\n$3\r\nabc
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: Trying a partial resynchronization (request <0>:1).
          primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
          Notice: Full resync from master: <1>:5
          Notice: MASTER <-> REPLICA sync: receiving 3 bytes from master to disk
          Receive { link: LinkId(1), way: File, carries_log: false }
          Copy { link: LinkId(1), range: 77..80 }
          Received { link: LinkId(1), trim: 0 }
        > inspected full
          Notice: Discarding previously cached master state.
          Notice: MASTER <-> REPLICA sync: Flushing old data
          Notice: MASTER <-> REPLICA sync: Loading DB in memory
          Load { link: LinkId(1), way: File }
        > data no
        > torn
          Warning: Failed trying to load the MASTER synchronization DB: wrong checksum
          CloseLink { link: LinkId(1) }
        > wait 2000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: Partial resynchronization not possible (no cached master)
          primary <- "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n"
        # What comes late of an earlier link changes nothing.
        > loaded
    "#]]);
}

#[test]
fn a_copy_beside_the_data_leaves_it_until_the_end() {
    let mut settings = settings_of_tests();
    settings.diskless_load = DisklessLoad::SwapDb;
    check_with(
        settings,
        expect![[r#"
            > data yes
            > REPLICAOF 127.0.0.1 7000
              Notice: Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.
              Become(Replica)
              Remember { primary: Some(Primary { host: "127.0.0.1", port: 7000 }) }
              Notice: Connecting to MASTER 127.0.0.1:7000
              connect to 127.0.0.1:7000
              Notice: MASTER <-> REPLICA sync started
              Notice: REPLICAOF 127.0.0.1:7000 enabled (user request from 'id=5')
            > connected
              Notice: Non blocking connect for SYNC fired the event.
              primary <- "*1\r\n$4\r\nPING\r\n"
            > primary +PONG\r\n+OK\r\n+OK\r\n+FULLRESYNC bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 5\r\n$3\r\nabc
              Notice: Master replied to PING, replication can continue...
              primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
              Notice: Trying a partial resynchronization (request <0>:1).
              primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
              Notice: Full resync from master: <1>:5
              Notice: MASTER <-> REPLICA sync: receiving 3 bytes from master to parser
              Receive { link: LinkId(1), way: Beside, carries_log: false }
              Copy { link: LinkId(1), range: 77..80 }
              Received { link: LinkId(1), trim: 0 }
            > inspected full
              Notice: MASTER <-> REPLICA sync: Loading DB in memory
              Load { link: LinkId(1), way: Beside }
            > torn
              Warning: Failed trying to load the MASTER synchronization DB: wrong checksum
              CloseLink { link: LinkId(1) }
            > wait 2000
              Notice: Connecting to MASTER 127.0.0.1:7000
              connect to 127.0.0.1:7000
              Notice: MASTER <-> REPLICA sync started
            > connected
              Notice: Non blocking connect for SYNC fired the event.
              primary <- "*1\r\n$4\r\nPING\r\n"
            > primary +PONG\r\n+OK\r\n+OK\r\n
              Notice: Master replied to PING, replication can continue...
              primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
              Notice: Trying a partial resynchronization (request <0>:1).
              primary <- "*3\r\n$5\r\nPSYNC\r\n$40\r\n<0>\r\n$1\r\n1\r\n"
        "#]],
    );
}

#[test]
fn a_corrupt_stream_is_left() {
    check(expect![[r#"
        > follows 5
        > corrupt
          Warning: WARNING: the stream of the primary is corrupt (expected '*'). Closing the link and discarding the position in it
          CloseLink { link: LinkId(1) }
          Warning: Connection with master lost.
          Notice: Caching the disconnected master state.
          Notice: Reconnecting to MASTER 127.0.0.1:7000
        > wait 2000
          Notice: Connecting to MASTER 127.0.0.1:7000
          connect to 127.0.0.1:7000
          Notice: MASTER <-> REPLICA sync started
        > connected
          Notice: Non blocking connect for SYNC fired the event.
          primary <- "*1\r\n$4\r\nPING\r\n"
        > primary +PONG\r\n+OK\r\n+OK\r\n
          Notice: Master replied to PING, replication can continue...
          primary <- "*3\r\n$8\r\nREPLCONF\r\n$14\r\nlistening-port\r\n$4\r\n6379\r\n*7\r\n$8\r\nREPLCONF\r\n$4\r\ncapa\r\n$3\r\neof\r\n$4\r\ncapa\r\n$6\r\npsync2\r\n$4\r\ncapa\r\n$9\r\nochre-log\r\n"
          Notice: Partial resynchronization not possible (no cached master)
          primary <- "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n"
    "#]]);
}

#[test]
fn a_replica_is_made_primary_by_its_primary() {
    check(expect![[r#"
        > follows 50
        > 1 REPLCONF listening-port 7000 capa psync2
          1 <- "+OK\r\n"
        > 1 PSYNC <x> 51 FAILOVER
          1 <- "-ERR PSYNC FAILOVER replid must match my replid.\r\n"
        > 1 PSYNC bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 51 FAILOVER
          Warning: Failover request received for replid <1>.
          CloseLink { link: LinkId(1) }
          Warning: Connection with master lost.
          Notice: Caching the disconnected master state.
          Notice: Discarding previously cached master state.
          Warning: Setting secondary replication ID to <1>, valid up to offset: 51. New replication ID is <2>
          Notice: MASTER MODE enabled (failover request from '10.0.0.7:40000')
          Become(Primary)
          Remember { primary: None }
          Notice: Replica 10.0.0.7:7000 asks for synchronization
          Count(PartialSync)
          Enlist { peer: PeerId(1) }
          1 <- "+CONTINUE <2>\r\n"
          Hold { peer: PeerId(1), from: 50 }
          Feed { peer: PeerId(1) }
          Notice: Partial resynchronization request from 10.0.0.7:7000 accepted. Sending 0 bytes of backlog starting from offset 51.
          GoodReplicas(1)
        > ROLE
          *3\r\n$6\r\nmaster\r\n:50\r\n*1\r\n*3\r\n$8\r\n10.0.0.7\r\n$4\r\n7000\r\n$1\r\n0\r\n
        > INFO
          role:master
          connected_slaves:1
          slave0:ip=10.0.0.7,port=7000,state=online,offset=0,lag=0
          master_failover_state:no-failover
          master_replid:<2>
          master_replid2:<1>
          master_repl_offset:50
          second_repl_offset:51
          repl_backlog_active:1
          repl_backlog_size:1048576
          repl_backlog_first_byte_offset:51
          repl_backlog_histlen:0
    "#]]);
}
