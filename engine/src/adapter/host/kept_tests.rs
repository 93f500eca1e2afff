//! The cache never returns bytes that this user did not store.

use super::{CODE_BYTES_MAX, CacheUse, FILES_MAX, KEY_NAME, Kept, MAGIC};
use std::path::{Path, PathBuf};

fn kept(directory: &Path) -> Kept {
    Kept::open(directory).unwrap()
}

fn file(directory: &Path) -> PathBuf {
    directory.join("one.code")
}

#[test]
fn the_next_process_finds_a_cached_file_under_its_name_alone() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("a/b");
    kept(&directory).put("one", b"code");
    let next = kept(&directory);
    assert_eq!(next.get("one").as_deref(), Some(b"code".as_slice()));
    assert_eq!(next.get("two"), None);
    std::fs::copy(file(&directory), directory.join("two.code")).unwrap();
    assert_eq!(next.get("two"), None, "the code of another component");
    assert_eq!(next.used(), CacheUse { hits: 1, misses: 0 });
}

#[test]
fn a_file_with_a_changed_byte_is_not_loaded_as_code() {
    let directory = tempfile::tempdir().unwrap();
    kept(directory.path()).put("one", b"code");
    let whole = std::fs::read(file(directory.path())).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(file(directory.path()), changed).unwrap();
        assert_eq!(kept(directory.path()).get("one"), None, "byte {at}");
        std::fs::write(file(directory.path()), &whole[..at]).unwrap();
        assert_eq!(kept(directory.path()).get("one"), None, "cut at {at}");
    }
}

#[test]
fn a_file_larger_than_code_may_be_is_not_read() {
    let directory = tempfile::tempdir().unwrap();
    kept(directory.path()).put("one", b"code");
    let large = std::fs::OpenOptions::new().append(true).open(file(directory.path())).unwrap();
    large.set_len(u64::try_from(CODE_BYTES_MAX + MAGIC.len() + 33).unwrap()).unwrap();
    assert_eq!(kept(directory.path()).get("one"), None);
}

#[test]
fn the_oldest_files_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    let kept = kept(directory.path());
    for n in 0..FILES_MAX + 3 {
        kept.put(&format!("n{n}"), b"code");
    }
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, FILES_MAX + 1, "and the key");
    assert!(kept.get(&format!("n{}", FILES_MAX + 2)).is_some());
}

#[cfg(unix)]
mod of_others {
    use super::{KEY_NAME, file, kept};
    use crate::adapter::host::kept::Kept;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::path::Path;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn only_the_owner_can_read_the_directory_the_key_and_the_code() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("made");
        kept(&directory).put("one", b"code");
        assert_eq!(
            [mode(&directory), mode(&directory.join(KEY_NAME)), mode(&file(&directory))],
            [0o700, 0o600, 0o600]
        );
    }

    #[test]
    fn no_file_counts_in_a_directory_that_others_could_write() {
        for wide in [0o777, 0o770, 0o755, 0o1777, 0o710] {
            let directory = tempfile::tempdir().unwrap();
            // A user who could write there has their own, valid key and code.
            kept(directory.path()).put("one", b"planted");
            set_mode(directory.path(), wide);
            let opened = kept(directory.path());
            assert_eq!(opened.get("one"), None, "{wide:o}");
            assert_eq!(mode(directory.path()), 0o700);
            opened.put("one", b"code");
            assert_eq!(kept(directory.path()).get("one").as_deref(), Some(b"code".as_slice()));
        }
    }

    #[test]
    fn a_key_that_others_could_read_is_replaced() {
        type Spoil = fn(&Path);
        let spoil: [(&str, Spoil); 5] = [
            ("readable by others", |key| set_mode(key, 0o644)),
            ("under two names", |key| {
                std::fs::hard_link(key, key.with_extension("other")).unwrap()
            }),
            ("a link", |key| {
                let to = key.with_extension("to");
                std::fs::rename(key, &to).unwrap();
                symlink(to, key).unwrap();
            }),
            ("too short", |key| std::fs::write(key, [7; 63]).unwrap()),
            ("too long", |key| std::fs::write(key, [7; 65]).unwrap()),
        ];
        for (how, spoil) in spoil {
            let directory = tempfile::tempdir().unwrap();
            set_mode(directory.path(), 0o700);
            kept(directory.path()).put("one", b"code");
            spoil(&directory.path().join(KEY_NAME));
            let opened = kept(directory.path());
            assert_eq!(opened.get("one"), None, "{how}");
            opened.put("one", b"code");
            assert!(
                kept(directory.path()).get("one").is_some(),
                "{how}: a new key takes its place"
            );
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_directory_that_others_can_reach_and_whose_mode_cannot_be_changed_is_refused() {
        // The kernel refuses to change its mode, even for root.
        let refused = Kept::open(Path::new("/proc/self/task")).unwrap_err();
        assert!(refused.contains("0555") && refused.contains("cannot be changed"), "{refused}");
    }

    #[test]
    fn the_directory_of_another_user_is_refused() {
        // Root's own directory, wherever the tests run; as root, a directory of another user.
        let directory = tempfile::tempdir().unwrap();
        let of_another = if nix::unistd::Uid::effective().is_root() {
            nix::unistd::chown(directory.path(), Some(nix::unistd::Uid::from_raw(4_711)), None)
                .unwrap();
            directory.path()
        } else {
            Path::new("/")
        };
        let refused = Kept::open(of_another).unwrap_err();
        assert!(refused.contains("belongs to the user"), "{refused}");
    }
}
