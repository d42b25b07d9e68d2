//! Servers of tests, each on a free port and in a temporary folder, which end with their test.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The id of the user `nobody`, because PostgreSQL refuses to run as root.
const NOBODY: u32 = 65534;
/// The channels that a connection to the RabbitMQ of [`Server`] may have: if a test loses channels, it runs out of them.
pub const RABBITMQ_CHANNELS: u16 = 4;

/// A server that tests can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Postgres,
    MariaDb,
    Nats,
    Redis,
    RabbitMq,
}

/// A running server, which is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    program: PathBuf,
    folder: PathBuf,
    /// Further arguments of the program.
    args: Vec<String>,
    pub port: u16,
    /// The port of the monitoring pages of NATS, and of the name server of RabbitMQ.
    second_port: u16,
    children: Vec<Child>,
}

impl Server {
    /// Starts a server. Returns `None`, and prints a line, if the system has no such program.
    pub fn start(kind: Kind) -> Option<Self> {
        let mut server = Self::prepare(kind, Vec::new())?;
        server.run();
        Some(server)
    }

    /// Starts three servers of NATS that are a cluster, like [`start`](Self::start). They accept requests some seconds later.
    pub fn start_cluster() -> Option<Vec<Self>> {
        let [[first, second], [third, _]] = [free_ports(), free_ports()];
        let routes = [first, second, third].map(|port| format!("nats://127.0.0.1:{port}"));
        let mut servers = Vec::new();
        for (number, route) in routes.iter().enumerate() {
            let name = format!("server-{number}");
            let all = routes.join(",");
            let args = ["--name", &name, "--cluster_name", "test", "--cluster", route, "--routes", &all]
                .map(Into::into);
            servers.push(Self::prepare(Kind::Nats, args.into())?);
        }
        servers.iter_mut().for_each(Self::run);
        Some(servers)
    }

    fn prepare(kind: Kind, args: Vec<String>) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let Some(program) = kind.program() else {
            println!("skipped: {kind:?} is not installed");
            return None;
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("withal-{kind:?}-{}-{number}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        if is_root() {
            chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let [port, second_port] = free_ports();
        let server = Self { kind, program, folder, args, port, second_port, children: Vec::new() };
        if kind == Kind::Postgres {
            let program = server.program.with_file_name("initdb");
            let mut initdb = server.command(&program);
            initdb.args(["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D"]);
            let is_created = started(&program, initdb.arg(server.folder.join("data")).status()).success();
            assert!(is_created, "{}", server.log());
        }
        Some(server)
    }

    /// Returns the URL of the server, or of a proxy before it.
    pub fn url(&self, port: u16) -> String {
        match self.kind {
            Kind::Postgres => format!("postgres://postgres@127.0.0.1:{port}/postgres?connect_timeout=5"),
            Kind::MariaDb => format!("mysql://root@127.0.0.1:{port}/test"),
            Kind::Nats => format!("nats://127.0.0.1:{port}"),
            Kind::Redis => format!("redis://127.0.0.1:{port}"),
            Kind::RabbitMq => format!("amqp://guest:guest@127.0.0.1:{port}/%2f"),
        }
    }

    /// Returns the body of a monitoring page of NATS, such as `/connz?subs=1`.
    pub fn monitoring_page(&self, path: &str) -> String {
        let mut page = TcpStream::connect((Ipv4Addr::LOCALHOST, self.second_port)).unwrap();
        page.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).unwrap();
        let mut response = String::new();
        page.read_to_string(&mut response).unwrap();
        response.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// Keeps the server until the end of the process, for tests that share it. A shell then kills it: its input ends with the
    /// process, however that ends.
    pub fn until_exit(self) -> &'static Self {
        let ids = self.children.iter().map(|child| child.id().to_string()).collect::<Vec<_>>().join(" ");
        let folder = self.folder.display();
        let script =
            format!("read -r line; kill -9 {ids}; for i in 1 2 3 4 5; do sleep 0.2; rm -rf '{folder}'; done");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Dropping the child would close its input.
        Box::leak(Box::new(shell.spawn().unwrap()));
        Box::leak(Box::new(self))
    }

    /// Kills the server with SIGKILL.
    pub fn kill(&mut self) {
        for mut child in self.children.drain(..) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts the server, and waits until it accepts connections.
    pub fn run(&mut self) {
        let start = Instant::now();
        if self.kind == Kind::RabbitMq {
            // Otherwise, RabbitMQ starts one that does not end with it.
            let mut names = self.command(Path::new("epmd"));
            names.args(["-address", "127.0.0.1", "-port", &self.second_port.to_string()]);
            self.children.push(names.spawn().unwrap());
        }
        loop {
            let mut child = started(&self.program, self.server_command().args(&self.args).spawn());
            // PostgreSQL does not start while processes of a killed server exist.
            while child.try_wait().unwrap().is_none() {
                if self.is_ready() {
                    self.children.push(child);
                    return;
                }
                assert!(
                    start.elapsed() < Duration::from_secs(60),
                    "{:?} does not start: {}",
                    self.kind,
                    self.log()
                );
                thread::sleep(Duration::from_millis(10));
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{:?} ends: {}", self.kind, self.log());
            thread::sleep(Duration::from_millis(50));
            if matches!(self.kind, Kind::Redis | Kind::RabbitMq) {
                // Another program may have taken the port: RabbitMQ needs it only after some seconds.
                [self.port, _] = free_ports();
            }
        }
    }

    /// Returns the command that runs the server in the foreground. In these tests, the operating system does not crash, so no
    /// write needs to reach the disk.
    fn server_command(&self) -> Command {
        let mut command = self.command(&self.program);
        let (data, port) = (self.folder.join("data"), self.port.to_string());
        match self.kind {
            Kind::Postgres => command
                .args(["-p", &port, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-k"])
                .arg(&self.folder)
                .arg("-D")
                .arg(data),
            // Without the system tables, which no test uses. It creates the database `test` when it starts.
            Kind::MariaDb => {
                fs::create_dir_all(data.join("test")).unwrap();
                if is_root() {
                    for folder in [&data, &data.join("test")] {
                        chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
                    }
                }
                command
                    .args([
                        "--no-defaults",
                        "--skip-grant-tables",
                        "--bind-address=127.0.0.1",
                        "--port",
                        &port,
                    ])
                    .args(["--innodb-flush-log-at-trx-commit=0", "--socket"])
                    .arg(self.folder.join("socket"))
                    .arg("--datadir")
                    .arg(data)
            }
            Kind::Nats => command
                .args(["-js", "-a", "127.0.0.1", "-p", &port, "-m", &self.second_port.to_string(), "-sd"])
                .arg(data),
            Kind::Redis => command.args(["--bind", "127.0.0.1", "--port", &port, "--save", ""]),
            Kind::RabbitMq => {
                let config = self.folder.join("rabbitmq.conf");
                fs::write(&config, format!("channel_max = {RABBITMQ_CHANNELS}\n")).unwrap();
                let plugins = self.folder.join("enabled_plugins");
                fs::write(&plugins, "[].").unwrap();
                let [distribution_port, _] = free_ports();
                command
                    .env("HOME", &self.folder)
                    // The script replaces itself by the server, so that a kill reaches the server.
                    .env("RABBITMQ_ALLOW_INPUT", "1")
                    .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-noinput")
                    .env("RABBITMQ_NODENAME", format!("withal{port}@localhost"))
                    .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
                    .env("RABBITMQ_NODE_PORT", port)
                    .env("RABBITMQ_DIST_PORT", distribution_port.to_string())
                    .env("ERL_EPMD_ADDRESS", "127.0.0.1")
                    .env("ERL_EPMD_PORT", self.second_port.to_string())
                    .env("RABBITMQ_MNESIA_BASE", data)
                    .env("RABBITMQ_LOG_BASE", &self.folder)
                    .env("RABBITMQ_LOGS", "-")
                    .env("RABBITMQ_CONF_ENV_FILE", self.folder.join("none"))
                    .env("RABBITMQ_CONFIG_FILE", config)
                    .env("RABBITMQ_ENABLED_PLUGINS_FILE", plugins)
                    .env("RABBITMQ_PID_FILE", self.folder.join("pid"))
            }
        };
        command
    }

    /// Returns `true` if the server is ready. PostgreSQL accepts connections before that, and writes its state to a file. For
    /// Redis and RabbitMQ, another program may be listening.
    fn is_ready(&self) -> bool {
        let is_listening = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
        let pid_file = || fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        is_listening(self.port)
            && match self.kind {
                Kind::Postgres => pid_file().trim_end().ends_with("ready"),
                Kind::Nats => is_listening(self.second_port),
                Kind::MariaDb | Kind::Redis | Kind::RabbitMq => true,
            }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Returns a command that runs as an unprivileged user, and whose output is in the log.
    fn command(&self, program: &Path) -> Command {
        let log = || fs::OpenOptions::new().create(true).append(true).open(self.folder.join("log")).unwrap();
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).stdout(log()).stderr(log()).current_dir(&self.folder);
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        // The child processes of PostgreSQL end after the first one, and may still write.
        for _ in 0..100 {
            if fs::remove_dir_all(&self.folder).is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Kind {
    fn program(self) -> Option<PathBuf> {
        let variable =
            |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        match self {
            Self::Postgres => variable("POSTGRES_BIN").map(|folder| folder.join("postgres")).or_else(|| {
                let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|entry| entry.path());
                versions.map(|version| version.join("bin/postgres")).filter(|program| program.exists()).max()
            }),
            Self::MariaDb => variable("MARIADBD").or_else(|| in_path("mariadbd")),
            Self::Nats => variable("NATS_SERVER").or_else(|| in_path("nats-server")),
            Self::Redis => variable("REDIS_SERVER").or_else(|| in_path("redis-server")),
            // Debian's command in the path changes the user, which requires root.
            Self::RabbitMq => in_path("epmd").and_then(|_| {
                let script = PathBuf::from("/usr/lib/rabbitmq/bin/rabbitmq-server");
                variable("RABBITMQ_SERVER").or(script.exists().then_some(script))
            }),
        }
    }
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]).collect::<Vec<_>>();
    folders.into_iter().map(|folder| folder.join(program)).find(|program| program.exists())
}

/// Panics with the path of the program, which may be that of a variable, if it could not be started.
fn started<T>(program: &Path, result: io::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{} cannot be started: {error}", program.display()))
}

fn free_ports() -> [u16; 2] {
    let listeners = [(), ()].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
