// Times, addresses and levels in words.

const LEVELS = {
  none: ["○", "unproven", "as the node gave it"],
  linked: ["◔", "linked", "headers hash and link"],
  complete: ["◑", "complete", "receipts recomputed to each header's root"],
  reconciled: ["●", "reconciled", "equal to the contracts at this block"],
};

/** {symbol, word, meaning} of a level of proof. */
export function level(name) {
  const [symbol, word, meaning] = LEVELS[name] ?? ["?", name ?? "unknown", "no such level is known here"];
  return { symbol, word, meaning };
}

/** "04:07" until something; hours where there are any. */
export function countdown(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const two = (number) => String(number).padStart(2, "0");
  return (hours ? `${hours}:` : "") + `${two(minutes)}:${two(whole % 60)}`;
}

/** "8 s", "4 min", "3 h", "12 d". */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min`;
  if (whole < 172_800) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86_400)} d`;
}

/** "14:05" of an ISO time, in UTC, as the chain has it; with the date if it is another than `day`'s. */
export function clock(iso, day = null) {
  if (!iso) return "–";
  const [date, time = ""] = String(iso).split("T");
  const at = time.slice(0, 5);
  return day && String(day).startsWith(date) ? at : `${date} ${at}`;
}

/** "14:05:09" of this machine's clock. */
export const localClock = (when) => when.toLocaleTimeString([], { hour12: false });

/** "0x1234…cdef". */
export const shortHex = (text, ends = 4) =>
  text && text.length > 2 * ends + 4 ? `${text.slice(0, ends + 2)}…${text.slice(-ends)}` : text ?? "–";

export const isAddress = (text) => /^0x[0-9a-fA-F]{40}$/.test(text);
