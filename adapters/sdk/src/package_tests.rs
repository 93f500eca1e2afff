//! The package contains a copy of the contract, since a published crate cannot read `wit/`.

#[test]
fn the_packaged_contract_is_the_contract() {
    let whole = concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/adapter.wit");
    let text = std::fs::read_to_string(whole).unwrap();
    let packaged = include_str!("../wit/adapter.wit");
    assert!(text == packaged, "type: cp wit/adapter.wit adapters/sdk/wit/adapter.wit");
}
