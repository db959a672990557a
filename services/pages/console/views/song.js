// A song: its words as they are sung, and what is near it.

import { cover } from "../kit/cover.js";
import { h } from "../kit/elements.js";
import { get } from "../kit/request.js";
import { link } from "../kit/router.js";
import { length } from "../kit/words.js";
import { Panel } from "../panels/panel.js";
import { Player } from "../panels/player.js";
import { rows } from "../panels/tracks.js";

export function song({ id, parameters }, signal) {
  const lyrics = h("div.below");
  const panel = new Panel(get(`/song/${encodeURIComponent(id)}`), {
    signal,
    skeleton: "head",
    draw: (found, place) => {
      const details = told(found, parameters);
      document.title = `${details.title} · YouTube Music gateway`;
      place.append(head(details, found.videoDetails?.channelId));
      if (!lyrics.children.length) lyrics.append(lyricsPanel(id, details, signal));
      return 1;
    },
  });
  // who came by a link knows the song's name: no need to wait for the player's word
  if (parameters.title && parameters.artist) lyrics.append(lyricsPanel(id, parameters, signal));
  return { title: parameters.title ?? "Song", parts: [panel.element, lyrics, related(id, signal)], settled: panel.settled };
}

// The link's own words first: they are those of the catalogue, a video's are its uploader's.
function told({ videoDetails = {} }, { title, artist, album, duration }) {
  return {
    title: title ?? videoDetails.title ?? "Song",
    artist: artist ?? videoDetails.author ?? "",
    album,
    duration: duration ?? videoDetails.lengthSeconds,
    plays: Number(videoDetails.viewCount) || 0,
    thumbnails: videoDetails.thumbnail?.thumbnails,
  };
}

function head({ title, artist, album, duration, plays, thumbnails }, channel) {
  const facts = [album, duration && length(duration), plays && `${plays.toLocaleString("en")} plays`];
  const by = channel ? h("a", { href: link("artist", channel) }, artist) : artist;
  return h(
    "header.profile",
    {},
    cover(thumbnails, title, { width: 240 }),
    h("div", {}, h("h1", { tabindex: "-1" }, title), h("p.by", {}, by), h("p.facts", {}, facts.filter(Boolean).join(" · "))),
  );
}

function lyricsPanel(id, { title, artist, album, duration }, signal) {
  return new Panel(get("/lyrics", { title, artist, album, duration, videoId: id }), {
    title: "Lyrics",
    signal,
    skeleton: "lines",
    explain: (failure) => (failure.code === "not_found" ? h("p.empty", {}, failure.detail) : null),
    draw: (found, place) => {
      place.append(words(found, Number(duration), signal), source(found));
      return 1;
    },
  }).element;
}

function words(found, durationSec, signal) {
  if (found.instrumental) return h("p.empty", {}, "An instrumental: nobody sings.");
  if (found.syncedLyrics) return new Player(found.syncedLyrics, durationSec, signal).element;
  return h("p.plain-lyrics", {}, found.lyrics);
}

function source({ source: name, isSynced }) {
  return h("p.source", {}, `${isSynced ? "Synced" : "Plain"} lyrics from ${name}.${isSynced ? " The clock runs alone: there is no audio here." : ""}`);
}

function related(id, signal) {
  return new Panel(get(`/related/${encodeURIComponent(id)}`), {
    title: "Related",
    signal,
    isLazy: true,
    empty: "This song has no radio.",
    draw: (tracks, place) => rows(tracks, place),
  }).element;
}
