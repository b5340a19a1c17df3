//! The picture.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph, Row, Sparkline, Table};

use super::figures::{Figures, SLOTS, Series};
use crate::stat::human;

pub fn draw(frame: &mut Frame<'_>, figures: &Figures) {
    let cluster = if figures.slots.is_empty() { 0 } else { 4 };
    let [head, upper, lower, tables, slots] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Min(4),
        Constraint::Length(cluster),
    ])
    .areas(frame.area());
    let text = match &figures.trouble {
        Some(trouble) => format!("{}  {trouble}", figures.address),
        None => format!("{}  {}  (q quits)", figures.address, figures.headline),
    };
    frame.render_widget(Paragraph::new(text), head);
    let halves = [Constraint::Percentage(50), Constraint::Percentage(50)];
    let [requests, memory] = Layout::horizontal(halves).areas(upper);
    let [hits, latency] = Layout::horizontal(halves).areas(lower);
    let tenths = figures.hits.last();
    let charts = [
        (
            &figures.requests,
            requests,
            format!("requests/s {}", figures.requests.last()),
            Color::Cyan,
        ),
        (
            &figures.memory,
            memory,
            format!("memory {}", human(figures.memory.last())),
            Color::Green,
        ),
        (
            &figures.hits,
            hits,
            format!("hits {}.{} %", tenths / 10, tenths % 10),
            Color::Yellow,
        ),
        (
            &figures.latency,
            latency,
            format!("round trip {} us", figures.latency.last()),
            Color::Magenta,
        ),
    ];
    for (series, area, title, colour) in charts {
        chart(
            frame,
            area,
            series,
            title,
            figures.colours.then_some(colour),
        );
    }
    let [clients, slow] = Layout::horizontal(halves).areas(tables);
    client_table(frame, clients, figures);
    slow_table(frame, slow, figures);
    if cluster > 0 {
        slot_bars(frame, slots, figures);
    }
}

fn chart(frame: &mut Frame<'_>, area: Rect, series: &Series, title: String, colour: Option<Color>) {
    let style = colour.map_or(Style::default(), |colour| Style::default().fg(colour));
    let width = usize::from(area.width.saturating_sub(2));
    let line = Sparkline::default()
        .block(Block::bordered().title(title))
        .max(series.max().max(1))
        .data(series.newest(width))
        .style(style);
    frame.render_widget(line, area);
}

fn client_table(frame: &mut Frame<'_>, area: Rect, figures: &Figures) {
    let rows = figures.clients.iter().cloned().map(Row::new);
    let widths = [
        Constraint::Min(15),
        Constraint::Length(10),
        Constraint::Length(3),
        Constraint::Length(6),
        Constraint::Min(8),
    ];
    let table = Table::new(rows, widths)
        .header(Row::new(["address", "name", "db", "idle", "command"]))
        .block(Block::bordered().title(format!("clients {}", figures.clients.len())));
    frame.render_widget(table, area);
}

fn slow_table(frame: &mut Frame<'_>, area: Rect, figures: &Figures) {
    let rows = figures.slow.iter().cloned().map(Row::new);
    let widths = [
        Constraint::Length(6),
        Constraint::Length(10),
        Constraint::Min(10),
    ];
    let table = Table::new(rows, widths)
        .header(Row::new(["number", "us", "command"]))
        .block(Block::bordered().title("slow log"));
    frame.render_widget(table, area);
}

fn slot_bars(frame: &mut Frame<'_>, area: Rect, figures: &Figures) {
    let width = usize::from(area.width.saturating_sub(2));
    let bar: String = figures
        .slots
        .iter()
        .enumerate()
        .map(|(index, (_, slots))| {
            let sign = char::from(b'a' + (index % 26) as u8);
            String::from(sign).repeat(slots * width / SLOTS)
        })
        .collect();
    let names = figures
        .slots
        .iter()
        .enumerate()
        .map(|(index, (name, slots))| {
            let sign = char::from(b'a' + (index % 26) as u8);
            format!("{sign} {name} {slots}")
        });
    let names = names.collect::<Vec<_>>().join("  ");
    let text = vec![Line::from(bar), Line::from(names)];
    let served: usize = figures.slots.iter().map(|(_, slots)| slots).sum();
    let title = format!("slots {served} of {SLOTS}");
    frame.render_widget(
        Paragraph::new(text).block(Block::bordered().title(title)),
        area,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    /// The screen as text.
    fn picture(columns: u16, rows: u16, figures: &Figures) -> String {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal.draw(|frame| draw(frame, figures)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn any_size_of_screen_is_drawn_on() {
        let mut figures = Figures::new("host:1".to_owned(), true);
        figures.slots = vec![("a:1".to_owned(), 8192), ("b:2".to_owned(), 8192)];
        figures.slow = vec![["7", "12345", "keys *"].map(str::to_owned)];
        for (columns, rows) in [(1, 1), (10, 5), (80, 24), (200, 60)] {
            picture(columns, rows, &figures);
        }
        let text = picture(100, 40, &figures);
        for part in [
            "host:1",
            "requests/s 0",
            "keys *",
            "slots 16384 of 16384",
            "b b:2 8192",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn trouble_is_told_at_the_top() {
        let mut figures = Figures::new("host:1".to_owned(), false);
        figures.trouble = Some("Server closed the connection".to_owned());
        assert!(picture(80, 24, &figures).contains("host:1  Server closed the connection"));
    }
}
