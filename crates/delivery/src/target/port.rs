//! Which ports a webhook may name.

/// Ports below 1024 that serve webhooks. The rest of that range belongs to mail, shells and name services.
const LOW_PORTS: [u16; 2] = [80, 443];

/// From here up a port is open to anybody, 8443 among them.
const FIRST_FREE_PORT: u16 = 1024;

/// Databases, caches, queues and control planes, which must not hear from a stranger even over HTTP. In order.
const REFUSED_PORTS: [u16; 44] = [
    1433,  // SQL Server
    1434,  // SQL Server
    1521,  // Oracle
    2049,  // NFS
    2181,  // ZooKeeper
    2375,  // Docker
    2376,  // Docker
    2377,  // Docker Swarm
    2379,  // etcd
    2380,  // etcd
    3306,  // MySQL
    4369,  // Erlang
    5432,  // PostgreSQL
    5433,  // PostgreSQL
    5672,  // RabbitMQ
    5984,  // CouchDB
    6379,  // Redis
    6380,  // Redis
    6432,  // PgBouncer
    6443,  // Kubernetes
    7000,  // Cassandra
    7001,  // Cassandra
    7199,  // Cassandra
    7474,  // Neo4j
    7687,  // Neo4j
    8086,  // InfluxDB
    8123,  // ClickHouse
    8200,  // Vault
    8300,  // Consul
    8500,  // Consul
    9042,  // Cassandra
    9092,  // Kafka
    9160,  // Cassandra
    9200,  // Elasticsearch
    9300,  // Elasticsearch
    10250, // kubelet
    10255, // kubelet
    11211, // memcached
    15672, // RabbitMQ
    26257, // CockroachDB
    27017, // MongoDB
    27018, // MongoDB
    27019, // MongoDB
    28015, // RethinkDB
];

/// Whether a webhook may name this port.
pub(super) fn is_allowed(port: u16) -> bool {
    let in_range = port >= FIRST_FREE_PORT || LOW_PORTS.contains(&port);
    in_range && REFUSED_PORTS.binary_search(&port).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEC-1
    #[test]
    fn ports() {
        assert!(REFUSED_PORTS.is_sorted());
        for port in [80, 443, 8443, 1024, 3000, 8080, 65535] {
            assert!(is_allowed(port), "{port}");
        }
        for port in [0, 22, 25, 53, 81, 444, 1023, 3306, 5432, 6379, 11211, 27017] {
            assert!(!is_allowed(port), "{port}");
        }
    }
}
