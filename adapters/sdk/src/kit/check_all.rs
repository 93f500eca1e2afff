//! Checks while an adapter is compiled how the parts of its data fit each other.
//!
//! What the engine would refuse when it loads the adapter is refused here, as far as it can be
//! known from the data, and with the author's line. The compiler's own pointer is at the macro,
//! since only there all parts are known, so each text begins with the line of the part.

#![allow(
    clippy::indexing_slicing,
    reason = "constant functions have no iterators, and a wrong index is a compile error"
)]

use super::check::{YEAR_MS, is_good_path};
use super::list::{End, Paging};
use super::text::{Text, find, is_one_of, is_same};
use super::{About, Ask, Auth, Kind, List, Operation};
use crate::model::manifest::DeleteSign;

#[track_caller]
pub(crate) const fn about(all: &About) {
    if all.origins.is_empty() {
        Text::at(all.at).and("origins: there is none; add `.origins(&[…])`").refuse();
    }
    origins(all);
    auth(all);
    rates(all);
    let mut index = 0;
    while index < all.permissions.len() {
        permission(all, index);
        index += 1;
    }
    let mut index = 0;
    while index < all.kinds.len() {
        kind(all, index);
        index += 1;
    }
    let mut index = 0;
    while index < all.operations.len() {
        operation(all, index);
        index += 1;
    }
    if !all.operations.is_empty() && all.account.is_none() {
        Text::at(all.at)
            .and("account: an adapter with operations must say which customer it would write to; ")
            .and("add `.account(…)`")
            .refuse();
    }
    if let Some(account) = all.account
        && let super::permission::By::Ask(asked, _) = account.0
    {
        ask(all, &asked, Text::at(all.at).and("account"), &[]);
    }
    let mut index = 0;
    while index < all.settings.len() {
        let mut earlier = 0;
        while earlier < index {
            if is_same(all.settings[earlier].name, all.settings[index].name) {
                twice(Text::at(all.at).and("settings"), all.settings[index].name);
            }
            earlier += 1;
        }
        index += 1;
    }
}

#[track_caller]
const fn twice(place: Text, name: &str) -> ! {
    place.and(": `").and(name).and("` occurs twice").refuse()
}

#[track_caller]
const fn origins(all: &About) {
    let mut index = 0;
    while index < all.origins.len() {
        let mut earlier = 0;
        while earlier < index {
            if is_same(all.origins[earlier].name, all.origins[index].name) {
                twice(Text::at(all.at).and("origins"), all.origins[index].name);
            }
            earlier += 1;
        }
        index += 1;
    }
    let mut index = 0;
    while index < all.origins.len() && !all.origins[index].credential {
        index += 1;
    }
    if all.origins.len() > 1 && index == all.origins.len() && !all.auth.is_empty() {
        Text::at(all.at)
            .and("origins: there are several, and none is named for the credential; call ")
            .and("`.credential()` on those whose requests carry it")
            .refuse();
    }
}

const fn has_origin(all: &About, name: &str) -> bool {
    let mut index = 0;
    while index < all.origins.len() {
        if is_same(all.origins[index].name, name) {
            return true;
        }
        index += 1;
    }
    false
}

#[track_caller]
const fn known_origin(all: &About, place: Text, name: &str) {
    if !has_origin(all, name) {
        place.and(": there is no origin `").and(name).and("`").refuse();
    }
}

#[track_caller]
const fn auth(all: &About) {
    let mut index = 0;
    while index < all.auth.len() {
        let place = Text::at(all.at).and("auth");
        match all.auth[index] {
            Auth::Code { origin, authorize, token, .. } => {
                known_origin(all, place, origin);
                path(place, authorize);
                path(place, token);
            }
            Auth::Client { origin, token } => {
                known_origin(all, place, origin);
                path(place, token);
            }
            Auth::Header(name, _) if name.is_empty() => {
                place.and(": the header has no name").refuse();
            }
            _ => {}
        }
        index += 1;
    }
}

#[track_caller]
const fn path(place: Text, path: &str) {
    if !is_good_path(path) {
        place
            .and(": `")
            .and(path)
            .and("` is no path: it begins with one /, and has no // and no query")
            .refuse();
    }
}

#[track_caller]
const fn rates(all: &About) {
    let mut index = 0;
    while index < all.rates.len() {
        let rate = &all.rates[index];
        let mut earlier = 0;
        while earlier < index {
            if is_same(all.rates[earlier].name, rate.name) {
                twice(Text::at(all.at).and("rates"), rate.name);
            }
            earlier += 1;
        }
        let mut origin = 0;
        while origin < rate.origins.len() {
            let place = Text::at(all.at).and("rates[").and(rate.name).and("].origins");
            known_origin(all, place, rate.origins[origin]);
            origin += 1;
        }
        index += 1;
    }
}

#[track_caller]
const fn permission(all: &About, index: usize) {
    let one = &all.permissions[index];
    let place = Text::at(one.at).and("permissions[").and(one.id).and("]");
    let mut earlier = 0;
    while earlier < index {
        if is_same(all.permissions[earlier].id, one.id) {
            twice(Text::at(one.at).and("permissions"), one.id);
        }
        earlier += 1;
    }
    if let super::permission::How::Ask(asked) = one.how {
        ask(all, &asked, place, &[]);
    }
}

#[track_caller]
const fn known_permission(all: &About, place: Text, id: &str) {
    let mut index = 0;
    while index < all.permissions.len() {
        if is_same(all.permissions[index].id, id) {
            return;
        }
        index += 1;
    }
    place.and(": there is no permission `").and(id).and("`; add it to `.permissions(…)`").refuse();
}

/// The index of a kind; the number of kinds where there is none of this name.
const fn position(all: &About, name: &str) -> usize {
    let mut index = 0;
    while index < all.kinds.len() && !is_same(all.kinds[index].name, name) {
        index += 1;
    }
    index
}

#[track_caller]
const fn known_kind(all: &About, place: Text, name: &str) -> usize {
    let index = position(all, name);
    if index == all.kinds.len() {
        place.and(": there is no kind `").and(name).and("`; add it to `.kinds(…)`").refuse();
    }
    index
}

const fn place_of(kind: &Kind) -> Text {
    Text::at(kind.at).and("kinds[").and(kind.name).and("]")
}

#[track_caller]
const fn kind(all: &About, index: usize) {
    let one = &all.kinds[index];
    let place = place_of(one);
    if position(all, one.name) != index {
        twice(Text::at(one.at).and("kinds"), one.name);
    }
    if one.fields.is_empty() && one.extra.is_empty() {
        place.and(".fields: it has none; list what its records have in `.fields(…)`").refuse();
    }
    if !one.permission.is_empty() {
        known_permission(all, place.and(".permission"), one.permission);
    }
    if let Some(scope) = one.scope {
        known_kind(all, place.and(".scope"), scope);
        if is_same(scope, one.name) {
            place.and(".scope: ids of a kind cannot be good only within itself").refuse();
        }
    }
    if one.overlap_ms > YEAR_MS || one.visible_within_ms > YEAR_MS {
        place.and(": a time is more than a year").refuse();
    }
    scan(all, one);
    changes(one);
    let mut list = 0;
    while list < one.lists.len() {
        if let Some(of) = &one.lists[list] {
            listed(all, one, of);
        }
        list += 1;
    }
    fetch(all, one);
    deletes(one);
}

/// How the records come: by a chain of parents that ends at a listed kind.
#[track_caller]
const fn scan(all: &About, one: &Kind) {
    let place = place_of(one);
    let has_list = one.lists[0].is_some();
    if one.parent.is_some() && one.inside.is_some() {
        place.and(": it is listed under a kind, or comes inside one; take one out").refuse();
    }
    if one.inside.is_some() && has_list {
        place
            .and(".inside: its records come with another kind, so it has no list of its own; ")
            .and("take one out")
            .refuse();
    }
    if one.parent.is_some() && !has_list {
        place.and(".under: it has no list; add `.list(…)` with {parent} in its path").refuse();
    }
    let (mut at, mut steps) = (one, 0);
    loop {
        let parent = match (at.parent, at.inside) {
            (Some(parent), _) | (None, Some(parent)) => parent,
            (None, None) => return,
        };
        let here = if steps == 0 { place } else { place_of(at) };
        let word = if at.parent.is_some() { ".under" } else { ".inside" };
        let next = &all.kinds[known_kind(all, here.and(word), parent)];
        if next.lists[0].is_none() && next.inside.is_none() {
            here.and(word)
                .and(": `")
                .and(parent)
                .and("` is not listed, so this could never be read; give it a list, or name ")
                .and("another kind")
                .refuse();
        }
        if at.inside.is_some() && next.lists[0].is_none() {
            here.and(word)
                .and(": `")
                .and(parent)
                .and("` has no pages of its own that it could come with; name the kind that has")
                .refuse();
        }
        steps += 1;
        if steps > all.kinds.len() {
            place.and(word).and(": the kinds come from each other in a circle").refuse();
        }
        at = next;
    }
}

#[track_caller]
const fn changes(one: &Kind) {
    let (mut lists, mut windows, mut tokens, mut index) = (0, 0, 0, 0);
    while index < one.lists.len() {
        if let Some(list) = &one.lists[index] {
            lists += 1;
            windows += !list.window.is_empty() as usize;
            tokens += list.token.is_some() as usize;
        }
        index += 1;
    }
    let place = place_of(one);
    if windows > 0 && windows < lists {
        place
            .and(".list: some of its lists take a window, and some do not; changes need all")
            .refuse();
    }
    if tokens > 0 && lists > 1 {
        place.and(".list: a token belongs to one list, and the kind has several").refuse();
    }
    if windows > 0 && one.overlap_ms == 0 {
        place
            .and(".overlap_ms: windows need an overlap, since change times are written late; ")
            .and("add `.overlap_ms(…)`, some minutes as a rule")
            .refuse();
    }
}

#[track_caller]
const fn listed(all: &About, one: &Kind, list: &List) {
    let place = place_of(one).and(".list");
    if list.most == 0 || list.most > super::list::ROWS_MAX {
        place.and(": a page has 1 to 10000 rows").refuse();
    }
    let counts = matches!(list.paging, Paging::Page(_) | Paging::Offset(_));
    if counts && list.most == super::list::ROWS_MAX && matches!(list.end, End::Unsaid) {
        place
            .and(": nothing says which page is the last; add `.size(…)`, `.most(…)`, `.more(…)` ")
            .and("or `.last(…)`")
            .refuse();
    }
    pointer(place, list.rows);
    match list.end {
        End::More(at) | End::Last(at) => pointer(place, at),
        End::Unsaid => {}
    }
    match list.paging {
        Paging::Cursor(_, at) | Paging::Url(at) => member(place, at),
        _ => {}
    }
    if let Some((_, at)) = list.token {
        member(place, at);
    }
    ask(all, &list.ask, place, if one.parent.is_some() { &["parent"] } else { &[] });
    if one.parent.is_some() && !mentions(&list.ask, "{parent") {
        place.and(": it is listed under a parent, and the request has no {parent}").refuse();
    }
}

#[track_caller]
const fn fetch(all: &About, one: &Kind) {
    let Some(fetch) = one.fetch else { return };
    let place = place_of(one).and(".fetch");
    pointer(place, fetch.at);
    ask(all, &fetch.ask, place, &["id"]);
    match fetch.many {
        None if !mentions(&fetch.ask, "{id") => {
            place.and(": the request has no {id}").refuse();
        }
        Some((_, _, most)) if most == 0 || most > super::list::ROWS_MAX => {
            place.and(": it takes 1 to 10000 ids").refuse();
        }
        _ => {}
    }
}

#[track_caller]
const fn deletes(one: &Kind) {
    let place = place_of(one);
    let mut index = 0;
    while index < one.deletes.len() {
        match one.deletes[index] {
            DeleteSign::GoneOnFetch if one.fetch.is_none() => {
                place.and(".deletes: GoneOnFetch needs `.fetch(…)`").refuse();
            }
            DeleteSign::GoneFromWalk if one.lists[0].is_none() => {
                place.and(".deletes: GoneFromWalk needs a list of its own").refuse();
            }
            _ => {}
        }
        let mut earlier = 0;
        while earlier < index {
            if one.deletes[earlier] as u8 == one.deletes[index] as u8 {
                place.and(".deletes: a sign occurs twice").refuse();
            }
            earlier += 1;
        }
        index += 1;
    }
    if one.absence_proves && one.lists[0].is_none() {
        place.and(".absence_proves: it needs a list of its own").refuse();
    }
}

#[track_caller]
const fn operation(all: &About, index: usize) {
    let one: &Operation = &all.operations[index];
    let place = Text::at(one.at).and("operations[").and(one.name).and("]");
    let mut earlier = 0;
    while earlier < index {
        if is_same(all.operations[earlier].name, one.name) {
            twice(Text::at(one.at).and("operations"), one.name);
        }
        earlier += 1;
    }
    let kind = super::text::before(one.name, find(one.name, b'.'));
    known_kind(all, place, kind);
    let mut made = 0;
    while made < one.materialises.len() {
        known_kind(all, place.and(".makes"), one.materialises[made]);
        made += 1;
    }
    let mut carried = 0;
    while carried < one.carries.len() {
        known_kind(all, place.and(".may_carry"), one.carries[carried].0);
        carried += 1;
    }
    let mut needed = 0;
    while needed < one.permissions.len() {
        known_permission(all, place.and(".permissions"), one.permissions[needed]);
        needed += 1;
    }
    if one.calls == 0 || one.calls > 200 {
        place.and(".calls: it costs 1 to 200 requests").refuse();
    }
    if one.settle_ms > YEAR_MS {
        place.and(".probe: the time is more than a year").refuse();
    }
    let mut effect = 0;
    while effect < one.side_effects.len() {
        if one.side_effects[effect].1.is_empty() {
            place
                .and(".side_effects: say in a sentence what it sets off; the plan shows it")
                .refuse();
        }
        effect += 1;
    }
    if let Some(name) = one.opt_in {
        let mut setting = 0;
        while setting < all.settings.len() && !is_same(all.settings[setting].name, name) {
            setting += 1;
        }
        if setting == all.settings.len() || !all.settings[setting].is_flag() {
            place
                .and(".opt_in: there is no setting `")
                .and(name)
                .and("` that is a flag; add `Setting::flag(…)` to `.settings(…)`")
                .refuse();
        }
    }
}

#[track_caller]
const fn pointer(place: Text, pointer: &str) {
    if !pointer.is_empty() {
        member(place, pointer);
    }
}

#[track_caller]
const fn member(place: Text, pointer: &str) {
    if !super::text::begins(pointer, "/") {
        place
            .and(": `")
            .and(pointer)
            .and("` is no JSON pointer: it begins with /, as in /data")
            .refuse();
    }
}

/// A request of the manifest: its origin, its path, and that each placeholder has a value.
#[track_caller]
const fn ask(all: &About, ask: &Ask, place: Text, values: &[&str]) {
    if !ask.origin.is_empty() {
        known_origin(all, place, ask.origin);
    }
    path(place, ask.path);
    placeholders(all, place, ask.path, values);
    placeholders(all, place, ask.body, values);
    let mut index = 0;
    while index < ask.query.len() {
        placeholders(all, place, ask.query[index].1, values);
        index += 1;
    }
}

#[track_caller]
const fn placeholders(all: &About, place: Text, text: &str, values: &[&str]) {
    let mut rest = text;
    loop {
        let open = find(rest, b'{');
        if open == rest.len() {
            return;
        }
        let (_, after) = rest.split_at(open + 1);
        let name = super::text::before(after, find(after, b'}'));
        rest = after;
        let is_name = !name.is_empty()
            && name.len() < after.len()
            && super::text::is_made_of(
                name,
                &[
                    (b'a', b'z'),
                    (b'A', b'Z'),
                    (b'0', b'9'),
                    (b'.', b'.'),
                    (b'_', b'_'),
                    (b'?', b'?'),
                ],
            );
        if !is_name {
            continue;
        }
        let top = super::text::before(name, find(name, b'.'));
        if is_same(top, "settings") && top.len() < name.len() {
            let (_, setting) = name.split_at(top.len() + 1);
            let setting = super::text::before(setting, find(setting, b'?'));
            let mut index = 0;
            while index < all.settings.len() && !is_same(all.settings[index].name, setting) {
                index += 1;
            }
            if index == all.settings.len() {
                place
                    .and(": there is no setting `")
                    .and(setting)
                    .and("`; add it to `.settings(…)`")
                    .refuse();
            }
        } else if !is_one_of(top, values) {
            place
                .and(": the request has no value for the placeholder {")
                .and(name)
                .and("}")
                .refuse();
        }
    }
}

const fn mentions(ask: &Ask, text: &str) -> bool {
    let mut index = 0;
    while index < ask.query.len() {
        if contains(ask.query[index].1, text) {
            return true;
        }
        index += 1;
    }
    contains(ask.path, text) || contains(ask.body, text)
}

const fn contains(text: &str, part: &str) -> bool {
    let mut index = 0;
    while index < text.len() {
        if text.is_char_boundary(index) && super::text::begins(text.split_at(index).1, part) {
            return true;
        }
        index += 1;
    }
    false
}
