// The page's state in its address and, for a reload, in the session storage of the browser's tab. `config` is set by
// address.py: `slugs` (names of the tabs, the first is open at first), `linked` (slug -> names, late names and defaults)
// and `examples` (folder of the file on the server -> name of the example).
const stored = (slug) => { try { return sessionStorage.getItem(`settings-${slug}`) || ""; } catch { return ""; } };
const store = (slug, text) => { try { sessionStorage.setItem(`settings-${slug}`, text); } catch { /* blocked */ } };
const inAddress = () => {
  const [slug, query] = location.hash.slice(1).split("?");
  return { slug: config.slugs.includes(slug) ? slug : config.slugs[0], query: query || "" };
};
const selected = () => document.querySelector("[role=tab][aria-selected=true]")?.dataset.tabId;
const selecting = () => ({ __type__: "update", selected: inAddress().slug });

window.lab = {
  ready: false, // nothing is stored before the stored settings were restored
  restored: {}, // slug -> the settings to restore
  expected: null, // the slug of the tab that Back or Forward is about to open
  waiting: new Set(), // slugs whose late settings are still to be applied

  begin() {
    if (!location.hash && selected()) this.opened(selected()); // a tab was clicked before this script was loaded
    const { slug: open, query } = inAddress();
    for (const slug of Object.keys(config.linked)) {
      const text = slug === open && query ? query : stored(slug);
      if (text) this.restored[slug] = text;
      const given = new URLSearchParams(text);
      if (config.linked[slug].late.some((name) => given.has(name))) this.waiting.add(slug);
    }
    window.addEventListener("popstate", () => {
      this.expected = inAddress().slug;
      document.getElementById("address-go")?.click();
    });
    const changes = { subtree: true, attributes: true, attributeFilter: ["aria-selected"] };
    new MutationObserver(() => this.opened(selected())).observe(document.body, changes);
    return this.restored[open] ? {} : selecting();
  },
  fragments() {
    return Object.entries(this.restored).map(([slug, text]) => `${slug}?${text}`).join("\n");
  },
  go() {
    this.ready = true;
    return selecting();
  },
  settled(slug) {
    this.waiting.delete(slug);
  },
  opened(slug) {
    if (this.expected === slug) this.expected = null;
    if (slug && !this.expected && inAddress().slug !== slug) history.pushState(null, "", `#${slug}`);
  },
  save(slug, values) {
    if (!this.ready) return;
    const { names, late, ofPicture, defaults } = config.linked[slug], kept = new URLSearchParams(), own = [];
    values.forEach((value, index) => {
      const name = names[index];
      if (JSON.stringify(value) === JSON.stringify(defaults[index])) return;
      if (value?.path) {
        const example = config.examples[value.path.split(/[\\/]/).at(-2)];
        example ? kept.set(name, example) : own.push(name);
      } else if (Array.isArray(value)) kept.set(name, value.join(","));
      else if (value !== null && value !== undefined && value !== "") kept.set(name, value);
    });
    const before = new URLSearchParams(stored(slug) || this.restored[slug]);
    if (this.waiting.has(slug)) for (const name of late) if (before.has(name)) kept.set(name, before.get(name));
    if (own.length) for (const name of ofPicture) kept.delete(name);
    if (kept.toString() === stored(slug)) return; // nothing changed, so a copied link stays in the address bar
    store(slug, kept.toString());
    if (inAddress().query && inAddress().slug === slug) history.replaceState(history.state, "", `#${slug}`);
  },
  async copy(button) {
    const { slug } = inAddress(), text = stored(slug);
    history.replaceState(history.state, "", text ? `#${slug}?${text}` : `#${slug}`);
    const said = await this.written(location.href) ? "Link copied" : "The link is in the address bar";
    button.dataset.label ??= button.textContent;
    button.textContent = said;
    setTimeout(() => { button.textContent = button.dataset.label; }, 3000);
  },
  async written(text) {
    try { await navigator.clipboard.writeText(text); return true; } catch { return false; } // only over HTTPS
  },
};
