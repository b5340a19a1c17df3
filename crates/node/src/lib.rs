//! A whole node without sockets: engine, machines and timers; run by the server and by the simulator.
