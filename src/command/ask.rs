//! One question: the straight line from what the user wants to the answer on stdout.

use anyhow::{Context, Result};

use crate::api::{self, Client, Key, Message, Reply, Role};
use crate::error::{Failure, Kind};
use crate::input::{self, Text};
use crate::mock;
use crate::output::{self, Console, Format, Progress, Spinner, Stdout};
use crate::settings::{Ask, System, Way};

/// Asks, or prints what would be asked.
pub fn run(ask: Ask, stdout: Stdout, console: Console) -> Result<()> {
    let mut request = ask.request;
    request.system = match ask.system {
        System::None => None,
        System::Text(text) => Some(noted(text.into(), "the system prompt", console)),
        System::File(path) => Some(noted(
            input::read_file(&path)?,
            &path.display().to_string(),
            console,
        )),
    };
    let tell = move |text: &str| console.note(text);
    let content = noted(input::prompt(ask.sources, tell)?, "the prompt", console);
    request.messages.push(Message {
        role: Role::User,
        content,
    });

    let (mut endpoint, mut key) = (ask.endpoint, ask.key.fetch(console)?);
    if let (Some(steps), Way::Send) = (ask.mock, ask.way) {
        let address = mock::start(steps).context(Failure::new(
            Kind::Local,
            "cannot start the rehearsal server",
        ))?;
        endpoint.url = format!("http://{address}/v1/messages").parse()?;
        endpoint.proxy = None;
        key = Key::new("rehearsal");
    }
    let prepared = endpoint.prepare(&request)?;
    match ask.way {
        Way::Send => {}
        Way::DryRun => {
            let mut out = stdout.open(Spinner::none())?;
            out.json(&prepared.body);
            out.end_line_on_terminal();
            return out.write();
        }
        Way::Curl => return stdout.print(output::curl(&prepared).as_bytes()),
    }

    let spinner = Spinner::start(console);
    let mut progress = Progress::new(console, spinner.clone(), key.clone());
    let mut printer = output::printer(ask.format, stdout.open(spinner)?);
    let client = Client::new(endpoint, key, ask.policy);
    let response = client.send(&prepared, &mut progress)?;
    let limits = response.limits;
    let mut reply = Reply::new(ask.format == Format::Json);
    let received = api::receive(response, &client, &mut reply, &mut *printer);
    printer.end().and(received)?;
    console.trace(
        "*",
        format!("the answer ended after {:.3} s", progress.seconds()),
    );

    if ask.usage {
        console.tell(output::usage_line(&reply, &limits, ask.price));
    }
    match output::stopped_short(&reply, request.max_tokens) {
        Some(short) if ask.strict => Err(short.into()),
        Some(short) => {
            console.note(short);
            Ok(())
        }
        None => Ok(()),
    }
}

/// The text alone, once the user knows what was replaced in it.
fn noted(read: Text, name: &str, console: Console) -> String {
    if read.replaced > 0 {
        let count = read.replaced;
        let (bytes, were) = if count == 1 {
            ("byte", "was")
        } else {
            ("bytes", "were")
        };
        console.note(format!(
            "{count} {bytes} of {name} {were} not UTF-8 and became U+FFFD"
        ));
    }
    read.text
}
