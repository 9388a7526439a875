// What a new list changed.

/**
 * @param {string[]} before ids in their order
 * @param {string[]} after
 * @returns {{added: Set<string>, moved: Map<string, number>, gone: string[]}} `moved`: how many places up
 */
export function changesOf(before, after) {
  const places = new Map(before.map((id, place) => [id, place]));
  const now = new Set(after);
  const added = new Set(before.length ? after.filter((id) => !places.has(id)) : []);
  const moved = new Map();
  after.forEach((id, place) => {
    const was = places.get(id);
    if (was !== undefined && was !== place) moved.set(id, was - place);
  });
  return { added, moved, gone: before.filter((id) => !now.has(id)) };
}
