mod log;
mod members;
mod radius;
mod search;
