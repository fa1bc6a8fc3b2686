//! `sim`: the simulated API in the foreground.

use nuon_gate_sim::{Script, Sim};

use super::demo;
use crate::arguments::SimArguments;
use crate::input::Input;
use crate::output::{Console, stdout_line};
use crate::reader::Limit;
use crate::runtime::{self, runtime};
use crate::signals;
use crate::trouble::Trouble;

pub(crate) fn run(arguments: &SimArguments) -> Result<u8, Trouble> {
    let script = runtime::run(async |reader| match &arguments.script {
        None => demo::script(false),
        Some(path) => {
            let text = reader.within(Limit::of_files(), reader.read(Input::Script, path)).await?;
            text.parse().map_err(|error| Input::Script.wrong(path, error))
        }
    })?;
    let console = Console::new();
    let environment = environment(&script);
    let sim = Sim::start(script, arguments.listen).map_err(|error| {
        Trouble::new(format!("cannot listen on {}: {error}", arguments.listen))
            .hint("choose another --listen (NUON_GATE_LISTEN)")
    })?;
    runtime()?.block_on(async {
        // Before the address is printed: a reader may stop the simulator as soon as it has it.
        let mut signals = signals::listen()?;
        stdout_line(&sim.url());
        console.plain(&format!(
            "serving until Ctrl-C; in another terminal:\n  export NUON_API_URL={}{environment}\n  nuon-gate wait",
            sim.url()
        ));
        signals.first.recv().await;
        Ok(0)
    })
}

/// Returns the variables with which the script's first component can be waited for.
fn environment(script: &Script) -> String {
    let mut lines = format!(" NUON_API_TOKEN={} NUON_ORG_ID={}", script.token, script.org);
    if let Some(component) = script.components.first() {
        lines.push_str(&format!("\n  export NUON_INSTALL_ID={} NUON_COMPONENT_ID={}", component.install, component.id));
    }
    lines
}
