/// The lines are sorted, since the pages may arrive in any order.
#[test]
fn prints_each_page_and_the_error_of_the_host_that_never_responds() {
    let mut lines = crate::lines("web_crawler");
    lines.sort();
    let expected = [
        "'http://europe.example/' page is 490 bytes",
        "'http://made-up-domain.example/' generated an exception: timed out",
        "'http://news.example/' page is 396 bytes",
        "'http://sports.example/' page is 490 bytes",
        "'http://weather.example/' page is 540 bytes",
    ];
    assert_eq!(lines, expected);
}
