-- The whole configuration of one private Prosody; prosody.py fills in what is in braces.
run_as_root = true
pidfile = "${dir}/prosody.pid"
data_path = "${dir}/data"
log = { info = "${dir}/prosody.log" }
interfaces = { "${address}" }
c2s_ports = { ${port} }
modules_enabled = { "saslauth", "tls", "disco", "ping", "mam", "offline", "smacks" }
modules_disabled = { "s2s" }
authentication = "internal_hashed"
storage = "internal"
c2s_require_encryption = true
-- One page of the archive, as small as the tests' longer stories are.
max_archive_query_results = 50
VirtualHost "chat.example.test"
    ssl = { certificate = "${dir}/chat.crt", key = "${dir}/chat.key" }
