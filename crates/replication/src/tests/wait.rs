//! Waiting for replicas.

use expect_test::expect;

use super::check;

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
