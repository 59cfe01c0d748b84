//! Rows of JSON as a table for people.

use serde_json::Value;

/// Renders the named columns of `rows`, each as wide as its widest cell.
pub fn render(columns: &[&str], rows: &[Value]) -> String {
    let cell = |row: &Value, column: &str| match &row[column] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            items.iter().map(|i| i.as_str().map_or_else(|| i.to_string(), str::to_owned)).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    let head: Vec<String> = columns.iter().map(|c| c.replace('_', " ").to_uppercase()).collect();
    let body: Vec<Vec<String>> = rows.iter().map(|row| columns.iter().map(|c| cell(row, c)).collect()).collect();
    let width = |i: usize| {
        body.iter().map(|row| row[i].chars().count()).chain([head[i].chars().count()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for row in std::iter::once(&head).chain(&body) {
        let line: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [json!({"name": "alice", "extension": "6001"}), json!({"name": "bo", "extension": null})];
        assert_eq!(render(&["name", "extension"], &rows), "NAME   EXTENSION\nalice  6001\nbo\n");
    }
}
