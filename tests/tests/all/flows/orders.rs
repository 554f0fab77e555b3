//! Set-up, rewriting and publishing in every order, each with a static site and with a registry.

use namespace_world::Person;

use super::{Flow, SITE, follower, put_up};

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Setup,
    Add,
    Publish,
}
use Step::{Add, Publish, Setup};

#[derive(Clone, Copy, PartialEq)]
enum To {
    Site,
    Registry,
}

impl To {
    fn line(self, step: Step) -> &'static str {
        match (step, self) {
            (Add, _) => "cargo nsadd",
            (Setup, Self::Site) => "cargo nspublish setup hello.example --site ../site",
            (Setup, Self::Registry) => {
                "cargo nspublish setup hello.example --instance https://crates.example"
            }
            (Publish, Self::Site) => "cargo nspublish --allow-dirty --site ../site",
            (Publish, Self::Registry) => "cargo nspublish --allow-dirty --instance https://crates.example",
        }
    }

    fn index(self) -> &'static str {
        match self {
            Self::Site => "sparse+https://hello.example/cargo/index/",
            Self::Registry => "sparse+https://crates.example/index/hello.example/",
        }
    }
}

/// Every step in its turn, doing what its messages say until it succeeds; then somebody else uses what was published.
fn in_order(order: [Step; 3], to: To) {
    let flow = Flow::new();
    let mut author = flow.author();
    for step in order {
        let before = author.run("cat Cargo.toml").text;
        let ran = follower(&mut author, &[]).reach(to.line(step), &mut put_up);
        if step == Add && before.contains("hello.example/hello") {
            assert!(!ran.text.contains("cargo/index/ is assumed"), "nothing has to be assumed: {ran}");
        }
        if step == Publish {
            assert!(!ran.text.contains("deprecated"), "what the rewriting left is complete: {ran}");
            upload(&mut author, to);
        }
    }
    flow.is_used().shows(to.index());
    let config = author.run("cat .cargo/config.toml 2>/dev/null; true").text;
    assert!(!config.contains("index = ") || config.contains(to.index()), "a guess stands there: {config}");
}

fn upload(author: &mut Person<'_>, to: To) {
    if to == To::Site {
        author.run(&format!("cp -r {SITE}/. $WWW")).success();
    }
}

macro_rules! orders {
    ($($name:ident: $order:expr, $to:expr;)*) => {
        $(#[test]
        fn $name() {
            in_order($order, $to);
        })*
    };
}

orders! {
    setup_add_publish_with_a_site: [Setup, Add, Publish], To::Site;
    setup_publish_add_with_a_site: [Setup, Publish, Add], To::Site;
    add_setup_publish_with_a_site: [Add, Setup, Publish], To::Site;
    add_publish_setup_with_a_site: [Add, Publish, Setup], To::Site;
    publish_setup_add_with_a_site: [Publish, Setup, Add], To::Site;
    publish_add_setup_with_a_site: [Publish, Add, Setup], To::Site;
    setup_add_publish_with_a_registry: [Setup, Add, Publish], To::Registry;
    setup_publish_add_with_a_registry: [Setup, Publish, Add], To::Registry;
    add_setup_publish_with_a_registry: [Add, Setup, Publish], To::Registry;
    add_publish_setup_with_a_registry: [Add, Publish, Setup], To::Registry;
    publish_setup_add_with_a_registry: [Publish, Setup, Add], To::Registry;
    publish_add_setup_with_a_registry: [Publish, Add, Setup], To::Registry;
}
