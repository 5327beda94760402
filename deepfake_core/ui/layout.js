// What the layout needs of the browser: looping videos, the way to a result, the full-screen stage, the webcam shortcut.
() => {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const smooth = calm ? "auto" : "smooth";
    const visible = (element) => element && element.offsetParent !== null;
    const on = (event, listener) => document.addEventListener(event, listener, true); // media events do not bubble

    // Videos: they loop, start without a click, rest while out of sight, and show a play sign when paused.
    const inSight = new IntersectionObserver((entries) => {
        for (const { target: video, isIntersecting } of entries) {
            if (!isIntersecting && !video.paused) {
                video.dataset.resting = "";
                video.pause();
            } else if (isIntersecting && "resting" in video.dataset) {
                delete video.dataset.resting;
                play(video);
            }
        }
    });
    const play = (video) => video.play().catch(() => {
        video.muted = true; // the browser allows sound only after a click
        video.play().catch(() => {});
    });
    // The shape of a result, from which its size on the page follows.
    const shape = (element, width, height) => {
        element.closest(".compare, .media")?.style.setProperty("--ratio", width / height);
    };
    on("load", ({ target }) => {
        if (target.matches?.(".compare img")) shape(target.closest(".compare"), target.naturalWidth, target.naturalHeight);
    });
    const sign = ({ target }) => {
        if (target.matches?.(".media video")) target.parentElement.classList.toggle("paused", target.paused);
    };
    on("loadeddata", (event) => {
        const video = event.target;
        if (!video.matches?.(".media video") || video.srcObject) return;
        video.loop = video.playsInline = true;
        if (!video.closest("#result")) video.muted = true;
        shape(video, video.videoWidth, video.videoHeight);
        inSight.observe(video);
        if (!calm) play(video);
        sign(event);
    });
    on("play", sign);
    on("pause", sign);

    // A run starts when its Stop button becomes enabled: then its results come into view.
    const reveal = (results) => {
        const { top } = results.getBoundingClientRect();
        if (top < 0 || top > innerHeight / 3) results.scrollIntoView({ behavior: smooth, block: "start" });
    };
    new MutationObserver((changes) => {
        for (const { target } of changes) {
            if (!target.disabled && visible(target) && target.matches(".results button[id$=stop]")) {
                reveal(target.closest(".results"));
            }
        }
    }).observe(document.body, { subtree: true, attributeFilter: ["disabled"] });

    // The stage: the results alone, as large as the screen; where there is no full screen, as large as the window.
    const onStage = () => document.querySelector(".results.on-stage");
    const leave = () => {
        const results = onStage();
        if (!results) return;
        results.classList.remove("on-stage");
        const button = results.querySelector(".to-stage");
        button.textContent = button.dataset.word; // as it was, in the visitor's language
        button.focus();
    };
    const enter = (results) => {
        results.classList.add("on-stage");
        const button = results.querySelector(".to-stage");
        button.dataset.word = button.textContent;
        button.textContent = "Leave full screen";
        results.requestFullscreen?.().catch(() => {});
    };
    on("fullscreenchange", () => { if (!document.fullscreenElement) leave(); });
    on("keydown", (event) => {
        if (event.key === "Escape" && !document.fullscreenElement) leave();
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            [...document.querySelectorAll(".results .primary")].find(visible)?.click();
        }
    });

    const until = async (find) => {
        for (let tries = 0; tries < 60; tries += 1) {
            const found = find();
            if (found) return found;
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
        return null;
    };
    // The webcam as the driving clip of a drawn portrait.
    const driveByWebcam = async () => {
        const [name] = (document.querySelector("#portrait .image-frame img")?.src ?? "").split("/").slice(-1);
        const drawn = [...document.querySelectorAll("#example-portraits img")].filter((one) => !/photo-/.test(one.src));
        if (!drawn.some((one) => one.src.endsWith(`/${name}`))) drawn[0]?.closest("button").click();
        [...document.querySelectorAll("#driver .icon-button")].at(-1)?.click(); // its name depends on the language
        (await until(() => document.querySelector("#driver .upload-container > button"))) &&
            document.querySelector("#driver [aria-label='Capture from camera']").click();
        (await until(() => document.querySelector("#driver [title='grant webcam access'] button")))?.click();
        document.querySelector("#driver").scrollIntoView({ behavior: smooth, block: "center" });
        const consent = document.querySelector("#consent");
        consent.classList.toggle("wanted", !consent.querySelector("input").checked);
    };

    on("change", ({ target }) => {
        if (target.matches?.("#consent input")) document.querySelector("#consent").classList.remove("wanted");
    });
    on("click", ({ target }) => {
        if (target.closest?.(".to-stage")) {
            if (!onStage()) enter(target.closest(".results"));
            else if (document.fullscreenElement) document.exitFullscreen();
            else leave();
        } else if (target.closest?.("#own-face")) {
            driveByWebcam();
        } else if (target.closest?.("#skip")) {
            [...document.querySelectorAll(".results .primary")].find(visible)?.focus();
        } else if (target.matches?.("[role=tab]")) {
            target.scrollIntoView({ behavior: smooth, block: "nearest", inline: "center" });
        }
    });
}
