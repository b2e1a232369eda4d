namespace TorchZoo.Models.Compression;

/// <summary>Which entries of a matrix are stored, row by row; the numbers lie elsewhere, in the same order.</summary>
/// <param name="rows">Where each row begins; one more, the end.</param>
/// <param name="columns">The column of each entry, ascending in a row.</param>
internal sealed class SparsePattern(int[] rows, int[] columns)
{
    /// <summary>Where each row begins; one more, the end.</summary>
    public int[] Rows => rows;

    /// <summary>What each entry meets: its column, or the position of that in a source.</summary>
    public int[] Columns => columns;

    /// <summary>Number of rows.</summary>
    public int Height => rows.Length - 1;

    /// <summary>Number of entries.</summary>
    public int Count => columns.Length;

    /// <summary>The entries that are set.</summary>
    /// <param name="mask">A matrix, row by row.</param>
    /// <param name="height">Number of rows.</param>
    public static SparsePattern Of(ReadOnlySpan<bool> mask, int height)
    {
        var width = height == 0 ? 0 : mask.Length / height;
        var flat = new List<long>();
        for (var i = 0; i < mask.Length; i++)
            if (mask[i]) flat.Add(i);
        return Of([.. flat], height, width);
    }

    /// <summary>The entries at these places.</summary>
    /// <param name="flat">Places in a matrix, row by row; ascending.</param>
    /// <param name="height">Number of rows.</param>
    /// <param name="width">Number of columns.</param>
    public static SparsePattern Of(ReadOnlySpan<long> flat, int height, int width)
    {
        var (rows, columns) = (new int[height + 1], new int[flat.Length]);
        for (var k = 0; k < flat.Length; k++)
        {
            var (row, column) = Math.DivRem(flat[k], width);
            rows[row + 1]++;
            columns[k] = (int)column;
        }
        for (var r = 0; r < height; r++) rows[r + 1] += rows[r];
        return new(rows, columns);
    }

    /// <summary>A pattern from arrays that may be anything.</summary>
    /// <exception cref="ArgumentException">They are no pattern of this size.</exception>
    public static SparsePattern Checked(int[] rows, int[] columns, int height, int width)
    {
        if (rows.Length != height + 1 || rows[0] != 0 || rows[^1] != columns.Length)
            throw new ArgumentException($"expected {height + 1} row pointers from 0 to {columns.Length}", nameof(rows));
        for (var r = 0; r < height; r++)
        {
            if (rows[r] > rows[r + 1] || rows[r + 1] > columns.Length)
                throw new ArgumentException($"the row pointers decrease at row {r}", nameof(rows));
            for (var k = rows[r]; k < rows[r + 1]; k++)
                if (columns[k] < 0 || columns[k] >= width || (k > rows[r] && columns[k] <= columns[k - 1]))
                    throw new ArgumentException($"the columns of row {r} should ascend from 0 to at most {width - 1}", nameof(columns));
        }
        return new(rows, columns);
    }

    /// <summary>The place of each entry in a matrix, row by row.</summary>
    /// <param name="width">Number of columns.</param>
    public long[] Flat(int width)
    {
        var flat = new long[Count];
        for (var r = 0; r < Height; r++)
            for (var k = rows[r]; k < rows[r + 1]; k++) flat[k] = (long)r * width + columns[k];
        return flat;
    }

    /// <summary>The row of each entry.</summary>
    public int[] RowOfEach()
    {
        var row = new int[Count];
        for (var r = 0; r < Height; r++) Array.Fill(row, r, rows[r], rows[r + 1] - rows[r]);
        return row;
    }

    /// <summary>Sorts entries into rows, keeping their order within each.</summary>
    /// <param name="row">The row of each entry.</param>
    /// <param name="height">Number of rows.</param>
    /// <param name="column">The column of each entry.</param>
    /// <returns>The pattern and, for each of its entries, the number that it had.</returns>
    public static (SparsePattern Pattern, int[] From) Sort(int[] row, int height, int[] column)
    {
        var rows = new int[height + 1];
        foreach (var r in row) rows[r + 1]++;
        for (var r = 0; r < height; r++) rows[r + 1] += rows[r];
        var next = rows[..^1];
        var (columns, from) = (new int[row.Length], new int[row.Length]);
        for (var k = 0; k < row.Length; k++)
        {
            var at = next[row[k]]++;
            columns[at] = column[k];
            from[at] = k;
        }
        return (new(rows, columns), from);
    }

    /// <summary>Cuts the rows into consecutive shares of about as many entries each.</summary>
    /// <param name="shares">How many.</param>
    /// <returns>The first row of each share; one more, the end.</returns>
    public int[] Shares(int shares)
    {
        var first = new int[shares + 1];
        first[shares] = Height;
        for (int share = 1, row = 0; share < shares; share++)
        {
            // A row costs something even when it is empty.
            while (row < Height && rows[row] + row < (long)share * (Count + Height) / shares) row++;
            first[share] = row;
        }
        return first;
    }
}
