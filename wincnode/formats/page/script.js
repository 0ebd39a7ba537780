"use strict";
// Shows what passed, filters the nodes, and follows links into them. It makes elements and sets
// their text; nothing of the data is ever read as markup or code.
(function () {
  const data = JSON.parse(document.getElementById("passed").textContent);
  const form = document.querySelector(".filters");
  const search = document.getElementById("q");
  const status = document.getElementById("status");
  const shown = document.getElementById("shown");
  const none = document.getElementById("none");
  const nodes = Array.from(document.querySelectorAll(".nodes > details"));
  // Before anything is opened, so that what passed is not searched in some nodes only.
  const words = nodes.map((node) => node.textContent.toLowerCase());

  function element(name, text, kind) {
    const made = document.createElement(name);
    made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  // An item's anchor, and the link that gives it away. Of several that passed by one check, each
  // by another target, the first has the anchor.
  function linked(node, item, name, kind) {
    const of = item.dataset.target ? ":" + item.dataset.target : "";
    const at = node.id.slice("node:".length) + "/" + encodeURIComponent(kind + name + of);
    if (!document.getElementById(at)) item.id = at;
    const link = element("a", name, "id");
    link.href = "#" + at;
    return link;
  }

  // What passed, and anchor and remedy of what did not: added when a node is opened for the first
  // time, or a link leads into it.
  function complete(node) {
    if (node.dataset.whole) return;
    node.dataset.whole = "1";
    for (const item of node.querySelectorAll("li")) {
      const name = item.querySelector("b");
      const remedy = data.remedies[name.textContent];
      if (remedy) item.append(element("p", remedy, "remedy"));
      const kind = item.classList.contains("step") ? "step:" : "";
      name.replaceWith(linked(node, item, name.textContent, kind));
    }
    const row = data.nodes[node.dataset.n];
    const list = document.createElement("ul");
    for (let at = 0; at < row.length; at += 2) {
      const item = element("li", "", "pass");
      item.append(linked(node, item, data.checks[row[at]], ""), " " + data.texts[row[at + 1]]);
      list.append(item);
    }
    if (row.length) node.append(list);
  }

  function filter() {
    const wanted = search.value.trim().toLowerCase();
    let count = 0;
    nodes.forEach((node, at) => {
      const fits = (!status.value || node.dataset.status === status.value)
        && (!wanted || words[at].includes(wanted));
      if (node.hidden === fits) node.hidden = !fits;
      count += fits;
    });
    shown.textContent = count === nodes.length ? count + " nodes" : count + " of " + nodes.length + " nodes";
    none.hidden = count > 0;
  }

  function remember() {
    const state = new URLSearchParams();
    if (search.value) state.set("q", search.value);
    if (status.value) state.set("status", status.value);
    const text = state.toString();
    history.replaceState(null, "", text ? "#?" + text : location.pathname + location.search);
  }

  function follow() {
    const hash = location.hash.slice(1);
    if (hash.startsWith("?")) {
      const state = new URLSearchParams(hash.slice(1));
      search.value = state.get("q") || "";
      status.value = state.get("status") || "";
      filter();
      document.getElementById("nodes").scrollIntoView();
      return;
    }
    if (!hash) return;
    const owner = document.getElementById("node:" + hash.split("/")[0]);
    if (owner && hash.includes("/")) complete(owner);
    const target = document.getElementById(hash);
    if (!target) return;
    for (const old of document.querySelectorAll(".here")) old.classList.remove("here");
    const node = target.closest("details");
    if (node) {
      node.hidden = false;
      if (node.dataset.n) complete(node);
      node.open = true;
    }
    if (target.tagName === "LI") target.classList.add("here");
    target.scrollIntoView({ block: "center" });
  }

  // The pages of at most so many nodes are worth their paper; of more, the first section tells.
  const PRINTED = 40;
  let opened = [];
  addEventListener("beforeprint", () => {
    const wrong = nodes.filter((node) => !node.hidden && !node.open && node.querySelector("li"));
    const folded = Array.from(document.querySelectorAll(".todo details:not([open])"));
    opened = wrong.length > PRINTED ? folded : folded.concat(wrong);
    for (const node of opened) node.open = true;
  });
  addEventListener("afterprint", () => {
    for (const node of opened) node.open = false;
  });

  for (const node of nodes) node.addEventListener("toggle", () => node.open && complete(node));
  search.addEventListener("input", () => { filter(); remember(); });
  status.addEventListener("change", () => { filter(); remember(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", follow);
  form.hidden = nodes.length < 2;
  filter();
  follow();
})();
