// The vocabulary, read out of docs/words.md: a table of words and meanings.

export function wordsIn(page: string): Array<[string, string]> {
  const rows = page.split('\n').filter((line) => line.startsWith('| ')).map((line) => line.split(/(?<!\\)\|/).slice(1, -1).map((cell) => cell.trim()));
  return rows.filter((cells) => cells.length === 2 && cells[0] !== 'word').map(([word, meaning]) => [plain(word!), plain(meaning!)]);
}

const plain = (cell: string): string => cell.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/`([^`]*)`/g, '$1').replaceAll('\\|', '|');
