/** A table of what was found: sortable, by pages, linked to the picture. */

export interface Column {
  readonly title: string;
  readonly values: readonly number[];
  readonly text: (value: number) => string;
}

const ROWS_A_PAGE = 100;

export class ResultTable {
  private columns: readonly Column[] = [];
  private order: number[] = [];
  private sorted = { column: 0, isDown: false };
  private page = 0;
  private selected: number | null = null;

  constructor(
    private readonly table: HTMLTableElement,
    private readonly pages: HTMLElement,
    private readonly onSelect: (id: number) => void,
  ) {}

  /** Shows rows 1, 2, ...; the first column is their number. */
  show(columns: readonly Column[]): void {
    this.columns = columns;
    this.selected = null;
    this.page = 0;
    if (this.sorted.column >= columns.length) this.sorted = { column: 0, isDown: false };
    this.sort();
  }

  select(id: number | null): void {
    this.selected = id;
    if (id !== null) this.page = Math.floor(this.order.indexOf(id - 1) / ROWS_A_PAGE);
    this.draw();
    const row = this.table.querySelector<HTMLElement>("tr.selected");
    const frame = this.table.parentElement!;
    if (row) frame.scrollTop = row.offsetTop - frame.clientHeight / 2;
  }

  private sort(): void {
    const { column, isDown } = this.sorted;
    const values = this.columns[column]?.values ?? [];
    this.order = values.map((_, index) => index).sort((one, other) => values[one] - values[other] || one - other);
    if (isDown) this.order.reverse();
    this.draw();
  }

  private draw(): void {
    const head = document.createElement("thead");
    const titles = head.insertRow();
    this.columns.forEach((column, index) => titles.append(this.heading(column.title, index)));
    const body = document.createElement("tbody");
    const first = this.page * ROWS_A_PAGE;
    for (const index of this.order.slice(first, first + ROWS_A_PAGE)) body.append(this.row(index));
    this.table.replaceChildren(head, body);
    this.drawPages();
  }

  private heading(title: string, index: number): HTMLTableCellElement {
    const cell = document.createElement("th");
    cell.scope = "col";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = title;
    const isSorted = this.sorted.column === index;
    cell.setAttribute("aria-sort", isSorted ? (this.sorted.isDown ? "descending" : "ascending") : "none");
    button.addEventListener("click", () => {
      this.sorted = { column: index, isDown: isSorted ? !this.sorted.isDown : index > 0 };
      this.page = 0;
      this.sort();
      this.table.querySelectorAll<HTMLElement>("th button")[index]?.focus();
    });
    cell.append(button);
    return cell;
  }

  private row(index: number): HTMLTableRowElement {
    const row = document.createElement("tr");
    const isSelected = this.selected === index + 1;
    row.classList.toggle("selected", isSelected);
    this.columns.forEach((column, place) => {
      const text = column.text(column.values[index]);
      const cell = row.insertCell();
      if (place > 0) cell.textContent = text;
      else cell.append(this.button(text, index + 1, isSelected));
    });
    row.addEventListener("click", () => this.onSelect(index + 1));
    return row;
  }

  private button(text: string, id: number, isSelected: boolean): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.dataset.id = String(id);
    button.setAttribute("aria-label", `Show number ${id} in the picture`);
    button.setAttribute("aria-pressed", String(isSelected));
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      this.onSelect(id);
      this.table.querySelector<HTMLElement>(`button[data-id="${id}"]`)?.focus();
    });
    return button;
  }

  private drawPages(): void {
    const num = Math.ceil(this.order.length / ROWS_A_PAGE);
    this.pages.hidden = num < 2;
    const turn = (text: string, step: number): HTMLButtonElement => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.disabled = this.page + step < 0 || this.page + step >= num;
      button.addEventListener("click", () => {
        this.page += step;
        this.draw();
      });
      return button;
    };
    const text = document.createElement("span");
    text.textContent = `Page ${this.page + 1} of ${num}`;
    this.pages.replaceChildren(turn("Previous", -1), text, turn("Next", 1));
  }
}
