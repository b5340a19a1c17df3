//! An async client: connection, URIs, cluster routing, generated command table.
