//! The receiver of OTLP: its Python packages are installed once, at pinned versions, and then tested
//! with.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::installed::Installed;
use crate::step::{Outcome, Status};
use crate::test::target_alone;
use crate::venv;

/// Which packages, at which versions.
const MANIFEST: &str = "tests/otlp/requirements.txt";

const RECEIVER: Installed = Installed { name: "otlp", what_is_wrong, make: venv::make };

/// Where the product may be, if not in PATH.
const PRODUCT: &str = "target/phoenix/bin/phoenix";

/// What the receiver imports.
const IMPORTS: &str = "import grpc, opentelemetry.proto.collector.trace.v1.trace_service_pb2";

/// Makes the Python where it is not there yet, and runs the tests on it.
pub(crate) fn step(logs: &Path) -> Outcome {
    let since = Instant::now();
    let log = logs.join("otlp-install.log");
    match install(&log) {
        Ok(()) => Outcome::of_command("otlp", target_alone("otlp", "ci"), logs).since(since),
        Err(status) => Outcome::not_installed("otlp", status, since, log),
    }
}

/// Exports a run to a product that somebody else made, and reads it back, where it is installed. It listens
/// on all addresses, so it gets a network of its own.
pub(crate) fn product(logs: &Path) -> Outcome {
    let since = Instant::now();
    let own = crate::root().join(PRODUCT);
    let phoenix = [Path::new("phoenix"), &own].into_iter().find(|program| {
        let mut asked = Command::new(program);
        succeeds(asked.arg("--help"))
    });
    let Some(phoenix) = phoenix else {
        let why =
            format!("no `phoenix` in PATH, nor as `{PRODUCT}`: install `arize-phoenix` there");
        return Outcome::without_log("product", Status::Skipped(why), since);
    };
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--net", "python3", "tests/otlp/product.py"]);
    command.arg(phoenix).arg("target/debug/codeloops-as-released").current_dir(crate::root());
    Outcome::of_command("product", command, logs)
}

fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// What `target/otlp/bin/python` is afterwards can run the receiver.
pub(crate) fn install(log: &Path) -> Result<(), Status> {
    venv::can_be_made()?;
    RECEIVER.ensure(MANIFEST, log)
}

fn what_is_wrong(folder: &Path, manifest: &str) -> io::Result<Option<String>> {
    Ok(venv::what_is_wrong(folder, manifest, IMPORTS))
}
