/// Four processes, one of which is killed every second.
#[cfg(unix)]
#[test]
fn every_item_is_stored_once_although_workers_are_killed() {
    let lines = crate::lines("fleet");
    let line = lines.last().unwrap();
    let (items, rest) = line.split_once(" kills, median recovery ").unwrap();
    let kills = items.strip_prefix("40000 items, 40000 distinct, ").unwrap();
    assert!(kills.parse::<u32>().unwrap() > 0, "{line}");
    assert!(rest.strip_suffix(" ms").unwrap().parse::<u32>().is_ok(), "{line}");
}
