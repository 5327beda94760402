// Gradio's video player fetches ffmpeg (32 MB) as soon as it shows a clip that can be trimmed. Here the fetch waits until
// a visitor opens the scissors, and the Trim button, which would return the whole clip without ffmpeg, waits for it.
(() => {
    const SCISSORS = '[aria-label="Trim video to selection"]';
    const TRIM = ".edit-buttons button:first-child";
    const fetchNow = window.fetch;
    const WorkerNow = window.Worker;
    let waiting = [];
    let loading = null;

    window.fetch = async (resource, options) => {
        if (String(resource?.url ?? resource).endsWith("/static/ffmpeg/ffmpeg-core.js")) {
            await new Promise((resolve) => waiting.push(resolve));
        }
        return fetchNow(resource, options);
    };

    function open() {
        if (waiting.length === 0) return; // Cancel, or the scissors a second time
        let loaded;
        loading = new Promise((resolve) => { loaded = resolve; });
        window.Worker = class extends WorkerNow {
            constructor(...options) {
                super(...options);
                this.addEventListener("message", ({ data }) => data?.type === "LOAD" && loaded());
            }
        };
        loading.then(() => { loading = null; window.Worker = WorkerNow; });
        const players = document.querySelectorAll(SCISSORS).length;
        waiting.slice(-players).forEach((resolve) => resolve()); // the others belong to clips that are gone
        waiting = [];
    }

    document.addEventListener("click", (event) => {
        const button = event.target.closest?.("button");
        if (button?.matches(SCISSORS)) open();
        else if (loading && button?.matches(TRIM)) {
            event.stopImmediatePropagation();
            button.textContent = "Loading …";
            loading.then(() => setTimeout(() => { button.textContent = "Trim"; button.click(); }));
        }
    }, true);
})();
