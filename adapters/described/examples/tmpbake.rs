fn main() {
    let mut args = std::env::args().skip(1);
    let (generic, text, out) = (args.next().unwrap(), args.next().unwrap(), args.next().unwrap());
    let read = atsync_described::read(&std::fs::read_to_string(text).unwrap()).unwrap();
    atsync_described::validate(&read).unwrap();
    let made = atsync_described::bake(&std::fs::read(generic).unwrap(), &read.description).unwrap();
    std::fs::write(out, made).unwrap();
}
