//! Servers of tests, each on a free port and in a temporary folder, which end with their test.

use std::fs;
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

/// An engine that the tests can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Postgres,
    Nats,
}

/// A running server.
pub(crate) struct Server {
    kind: Kind,
    program: PathBuf,
    folder: PathBuf,
    pub(crate) port: u16,
    child: Option<Child>,
}

impl Server {
    /// Starts a server. Returns `None`, and prints a line, if the system has no such program.
    pub(crate) fn start(kind: Kind) -> Option<Self> {
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
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut server = Self { kind, program, folder, port, child: None };
        if kind == Kind::Postgres {
            let mut initdb = server.command(&server.program.with_file_name("initdb"));
            initdb.args(["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D"]);
            assert!(initdb.arg(server.folder.join("data")).status().unwrap().success(), "{}", server.log());
        }
        server.run();
        Some(server)
    }

    /// Returns the URL of the server, or of a proxy before it.
    pub(crate) fn url(&self, port: u16) -> String {
        match self.kind {
            Kind::Postgres => format!("postgres://postgres@127.0.0.1:{port}/postgres?connect_timeout=5"),
            Kind::Nats => format!("nats://127.0.0.1:{port}"),
        }
    }

    /// Kills the server with SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts the server, and waits until it accepts connections.
    pub(crate) fn run(&mut self) {
        let start = Instant::now();
        loop {
            let mut command = self.command(&self.program);
            let data = self.folder.join("data");
            match self.kind {
                // In these tests, the operating system does not crash, so no write needs to reach the disk.
                Kind::Postgres => command
                    .args([
                        "-p",
                        &self.port.to_string(),
                        "-c",
                        "listen_addresses=127.0.0.1",
                        "-c",
                        "fsync=off",
                        "-k",
                    ])
                    .arg(&self.folder)
                    .arg("-D")
                    .arg(data),
                Kind::Nats => {
                    command.args(["-js", "-a", "127.0.0.1", "-p", &self.port.to_string(), "-sd"]).arg(data)
                }
            };
            let mut child = command.spawn().unwrap();
            // PostgreSQL does not start while processes of a killed server exist.
            while child.try_wait().unwrap().is_none() {
                if self.is_ready() {
                    self.child = Some(child);
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
        }
    }

    /// Returns `true` if PostgreSQL is ready. It accepts connections before that, and writes its state to a file.
    fn is_ready(&self) -> bool {
        let is_listening = || TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok();
        let pid_file = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        is_listening() && (self.kind == Kind::Nats || pid_file.trim_end().ends_with("ready"))
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
            Self::Nats => variable("NATS_SERVER").or_else(|| {
                let path = std::env::var_os("PATH")?;
                let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]).collect::<Vec<_>>();
                folders.into_iter().map(|folder| folder.join("nats-server")).find(|program| program.exists())
            }),
        }
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
