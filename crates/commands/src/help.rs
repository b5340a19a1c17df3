//! `HELP` of a command that consists of subcommands: what the table says about each.

use engine::reply::Done;
use engine::{CommandResult, Context};

/// Shows the subcommands of the command whose `HELP` this is.
pub(crate) fn subcommands(cx: &mut Context<'_>) -> CommandResult {
    let table = &cx.engine.table;
    let name = cx.command.full_name.split('|').next();
    let parent = name.and_then(|name| table.find(name.as_bytes()));
    let parent = parent.expect("a subcommand's full name begins with its parent's");
    let mut items = Vec::new();
    for &id in &parent.subcommands {
        let command = table.get(id).command;
        let name = command.name.to_ascii_uppercase();
        items.push((format!("{name} {}", command.syntax), command.summary));
    }
    Ok(lines(cx, parent.command.name, &items))
}

/// Shows what may follow a command's name, each with a sentence about it.
pub(crate) fn lines(cx: &mut Context<'_>, name: &str, items: &[(String, &str)]) -> Done {
    let name = name.to_ascii_uppercase();
    let mut lines = vec![format!("{name} <subcommand> [<arg> ...]. There are:")];
    for (syntax, summary) in items {
        lines.push(syntax.trim_end().to_owned());
        lines.push(format!("    {summary}"));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    cx.reply.lines(&lines)
}
