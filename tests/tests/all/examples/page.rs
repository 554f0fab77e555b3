//! A page of Markdown, cut into what matters here. Pure.

/// Something to do, in the order of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// `<!-- world: … -->`
    World {
        name: String,
        /// Line in the page, from 1.
        line: usize,
    },
    /// `<!-- run: … -->`
    Run {
        /// What is typed.
        command: String,
        /// Line in the page, from 1.
        line: usize,
    },
    /// `<!-- keeps running: … -->`
    KeepsRunning {
        /// What the next step prints last, while it runs on.
        last: String,
    },
    /// A step of a console block.
    Step(Step),
}

/// A typed line and what must come out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is typed; several lines where it was continued.
    pub command: String,
    /// The exit code.
    pub code: i32,
    /// The output as the page has it, without the block's indentation.
    pub output: Vec<String>,
    /// Line of the `$ ` in the page, from 1.
    pub line: usize,
    /// Lines of the output in the page: the first, from 1, and the one after the last.
    pub output_lines: (usize, usize),
    /// The block's indentation.
    pub indent: String,
}

/// Why a page cannot be run: the line, and the reason.
pub type PageError = (usize, String);

/// Cuts a page.
///
/// # Errors
///
/// A block that does not begin with `$ ` or does not end, an exit code that is none.
pub fn parse(text: &str) -> Result<Vec<Piece>, PageError> {
    let mut pieces = Vec::new();
    let mut shown_only = false;
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    while let Some((number, line)) = lines.next() {
        if let Some((kind, value)) = comment(line) {
            match kind {
                "world" => pieces.push(Piece::World { name: value.to_owned(), line: number }),
                "run" => pieces.push(Piece::Run { command: value.to_owned(), line: number }),
                "keeps running" => pieces.push(Piece::KeepsRunning { last: value.to_owned() }),
                "not run" => shown_only = true,
                _ => {}
            }
            continue;
        }
        let Some((indent, fence, info)) = fence(line) else { continue };
        let mut block = Vec::new();
        loop {
            let Some((number, line)) = lines.next() else {
                return Err((number, "this block does not end".to_owned()));
            };
            let line = line.strip_prefix(indent).unwrap_or(line.trim_start());
            if line.starts_with(fence) && line.trim_start_matches('`').trim().is_empty() {
                break;
            }
            block.push((number, line));
        }
        if info.split([',', ' ']).next() == Some("console") && !shown_only {
            steps(&block, indent, &mut pieces)?;
        }
        shown_only = false;
    }
    Ok(pieces)
}

/// `<!-- kind: value -->`
fn comment(line: &str) -> Option<(&str, &str)> {
    let inside = line.trim().strip_prefix("<!--")?.strip_suffix("-->")?;
    let (kind, value) = inside.split_once(':')?;
    Some((kind.trim(), value.trim()))
}

/// Indentation, fence, and what stands after it.
pub(super) fn fence(line: &str) -> Option<(&str, &str, &str)> {
    let body = line.trim_start();
    let ticks = body.len() - body.trim_start_matches('`').len();
    let (fence, info) = body.split_at(ticks);
    (ticks >= 3 && !info.contains('`')).then(|| (&line[..line.len() - body.len()], fence, info.trim()))
}

fn steps(block: &[(usize, &str)], indent: &str, pieces: &mut Vec<Piece>) -> Result<(), PageError> {
    let mut block = block.iter().copied().peekable();
    while let Some((line, text)) = block.next() {
        let Some(command) = text.strip_prefix("$ ") else {
            return Err((
                line,
                "a console block begins with `$ `, or is marked `<!-- not run: … -->`".to_owned(),
            ));
        };
        let mut step = Step {
            command: command.to_owned(),
            code: 0,
            output: Vec::new(),
            line,
            output_lines: (line + 1, line + 1),
            indent: indent.to_owned(),
        };
        while let Some((_, text)) = block.next_if(|(_, text)| text.starts_with("> ")) {
            step.command = format!("{}\n{}", step.command, &text[2..]);
            step.output_lines.0 += 1;
        }
        if let Some((line, text)) = block.next_if(|(_, text)| text.starts_with("? ")) {
            step.code = text[2..].trim().parse().map_err(|_| (line, format!("`{text}` is no exit code")))?;
            step.output_lines.0 += 1;
        }
        while let Some((_, text)) = block.next_if(|(_, text)| !text.starts_with("$ ")) {
            step.output.push(text.to_owned());
        }
        step.output_lines.1 = step.output_lines.0 + step.output.len();
        pieces.push(Piece::Step(step));
    }
    Ok(())
}

/// The page with other outputs: for each step its lines, in the order of the page.
#[must_use]
pub fn with_outputs(text: &str, outputs: &[(Step, Vec<String>)]) -> String {
    let old: Vec<&str> = text.lines().collect();
    let mut new: Vec<String> = Vec::with_capacity(old.len());
    let mut next = 1;
    for (step, output) in outputs {
        let (begin, end) = step.output_lines;
        new.extend(old[next - 1..begin - 1].iter().map(|line| (*line).to_owned()));
        let indented = |line: &String| format!("{}{line}", step.indent).trim_end().to_owned();
        new.extend(output.iter().map(indented));
        next = end;
    }
    new.extend(old[next - 1..].iter().map(|line| (*line).to_owned()));
    new.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# Title

<!-- world: hello.example -->
<!-- run: mkdir x -->

```toml
$ no
```

1. First

   ```console
   $ cargo new \\
   >   app
   ? 101
       Creating app

   $ ls
   app
   ```

<!-- not run: needs an account -->
```console
$ gh pages
```
";

    #[test]
    fn a_page_is_cut_into_steps() {
        let pieces = parse(PAGE).unwrap();
        assert_eq!(pieces[0], Piece::World { name: "hello.example".into(), line: 3 });
        assert_eq!(pieces[1], Piece::Run { command: "mkdir x".into(), line: 4 });
        let Piece::Step(first) = &pieces[2] else { panic!("{pieces:?}") };
        assert_eq!((first.command.as_str(), first.code), ("cargo new \\\n  app", 101));
        assert_eq!(first.output, ["    Creating app", ""]);
        assert_eq!((first.line, first.output_lines), (13, (16, 18)));
        let Piece::Step(second) = &pieces[3] else { panic!("{pieces:?}") };
        assert_eq!((second.command.as_str(), second.output_lines), ("ls", (19, 20)));
        assert_eq!(pieces.len(), 4);
    }

    #[test]
    fn outputs_are_replaced_and_nothing_else() {
        let steps: Vec<Step> = parse(PAGE)
            .unwrap()
            .into_iter()
            .filter_map(|piece| if let Piece::Step(step) = piece { Some(step) } else { None })
            .collect();
        let same: Vec<_> = steps.iter().map(|step| (step.clone(), step.output.clone())).collect();
        assert_eq!(with_outputs(PAGE, &same), PAGE);
        let other = [(steps[0].clone(), vec!["made".to_owned()]), (steps[1].clone(), Vec::new())];
        let expected =
            PAGE.replace("       Creating app\n\n", "   made\n").replace("   app\n   ```", "   ```");
        assert_eq!(with_outputs(PAGE, &other), expected);
    }

    #[test]
    fn what_cannot_be_run_is_an_error_with_its_line() {
        assert_eq!(parse("```console\nls\n```\n").unwrap_err().0, 2);
        assert_eq!(parse("\n```console\n$ ls\n").unwrap_err().0, 2);
        assert_eq!(parse("```console\n$ ls\n? x\n```\n").unwrap_err().0, 3);
    }
}
