#[test]
fn the_forms_print_the_same_items() {
    let docs = "doc 0.0, doc 0.1, doc 1.0, doc 1.1, doc 2.0, doc 2.1";
    let expected =
        ["iterator:  ", "class:     ", "generator: ", "one-way:   "].map(|form| format!("{form}{docs}"));
    assert_eq!(crate::lines("get_docs_forms"), expected);
}
