fn main() {
    let a: Vec<String> = std::env::args().collect();
    let text = std::fs::read_to_string(&a[1]).unwrap();
    let read = atsync_described::read(&text).unwrap();
    let made = atsync_described::bake(&std::fs::read(&a[2]).unwrap(), &read.description).unwrap();
    std::fs::write(&a[3], made).unwrap();
}
