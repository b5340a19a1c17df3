//! Redis without sockets: session in, reply and effects out.
