//! The engines of `fleet` on PostgreSQL and NATS, on real servers that these tests start.

mod chaos;
mod cluster;
mod contract;
mod cut;
mod model;
mod redis;
mod throughput;
