/** What must not compile: each line is wrong, and says nothing if the types have gone soft. */
import { Gateway, sentenceFor, type Answer, type Problem } from "../../kits/typescript/sample";

const gateway = new Gateway("http://127.0.0.1");
// @ts-expect-error no such path
void gateway.get("/charts", {});
// @ts-expect-error the path has a parameter
void gateway.get("/song/{video_id}", {});
// @ts-expect-error a query needs its text
void gateway.get("/search", { query: { limit: 3 } });
// @ts-expect-error not one of the filters
void gateway.get("/search", { query: { query: "a", filter: "tunes" } });
// @ts-expect-error no member of a track
export const wrong = (tracks: Answer<"/trending">) => tracks[0]?.tittle;
// @ts-expect-error there is no such code
export const code: Problem["code"] = "oops";
void sentenceFor;
