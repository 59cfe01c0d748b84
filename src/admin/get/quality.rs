//! `tandem get calls --quality`: how each side of each call sounds.

use proto::wire::Quality;
use serde_json::{Value, json};

/// Of the table, which has a line for each side.
pub const COLUMNS: &[&str] = &[
    "speaks",
    "hears",
    "state",
    "seconds",
    "packets",
    "loss_%",
    "jitter_ms",
    "round_trip_ms",
    "r",
    "mos",
    "node",
    "id",
];

/// What was heard of one side, in the units that people use; null where it is not known.
pub fn of(quality: &Quality) -> Value {
    let in_hundredths = |value: Option<u32>| value.map(|value| f64::from(value) / 100.0);
    let percent = |millionths: u32| f64::from(millionths / 100) / 100.0;
    let milliseconds = |micros: u32| f64::from(micros / 100) / 10.0;
    json!({
        "packets": quality.packets,
        "lost": quality.lost,
        "loss_percent": percent(quality.loss),
        "reordered": quality.reordered,
        "gaps": quality.gaps,
        "concealed_ms": milliseconds(quality.concealed),
        "jitter_ms": milliseconds(quality.jitter),
        "round_trip_ms": quality.round_trip.map(milliseconds),
        "r": in_hundredths(quality.r),
        "mos": in_hundredths(quality.mos),
        "told_loss_percent": quality.told_loss.map(percent),
        "told_r": quality.told_r,
        "told_mos": in_hundredths(quality.told_mos),
    })
}

/// The rows of the table, out of calls as JSON.
pub fn by_side(calls: &[Value]) -> Vec<Value> {
    let row = |call: &Value, [speaks, hears]: [&str; 2]| {
        let heard = &call["quality"][speaks];
        json!({
            "speaks": call[speaks],
            "hears": call[hears],
            "state": call["state"],
            "seconds": call["seconds"],
            "packets": heard["packets"],
            "loss_%": heard["loss_percent"],
            "jitter_ms": heard["jitter_ms"],
            "round_trip_ms": heard["round_trip_ms"],
            "r": heard["r"],
            "mos": heard["mos"],
            "node": call["node"],
            "id": call["id"],
        })
    };
    let sides = [["caller", "callee"], ["callee", "caller"]];
    calls.iter().flat_map(|call| sides.map(|side| row(call, side))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_has_a_row_in_units_for_people() {
        let quality = Quality {
            packets: 500,
            lost: 6,
            loss: 12_345,
            jitter: 4_321,
            round_trip: Some(45_600),
            r: Some(8956),
            mos: Some(433),
            ..Quality::default()
        };
        let call = json!({
            "caller": "a", "callee": "b", "state": "answered", "seconds": 7, "node": "n", "id": "c",
            "quality": {"caller": of(&quality), "callee": null},
        });
        let rows = by_side(&[call]);
        let cells = |row: &Value| COLUMNS.iter().map(|column| row[*column].clone()).collect::<Vec<_>>();
        let expected = json!(["a", "b", "answered", 7, 500, 1.23, 4.3, 45.6, 89.56, 4.33, "n", "c"]);
        assert_eq!(Value::Array(cells(&rows[0])), expected);
        let silent = json!(["b", "a", "answered", 7, null, null, null, null, null, null, "n", "c"]);
        assert_eq!(Value::Array(cells(&rows[1])), silent);
    }
}
