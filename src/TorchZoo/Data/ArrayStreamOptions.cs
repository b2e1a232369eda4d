namespace TorchZoo.Data;

/// <summary>How an <see cref="ArrayStream"/> reads.</summary>
public sealed record ArrayStreamOptions
{
    private readonly int _blockRows = 64, _bufferBlocks = 16;
    private readonly long _firstRow;
    private readonly long? _rows;

    /// <summary>Rows that are read together. Longer blocks read faster, shorter ones mix better; those of a file in chunks had best be its
    /// chunks.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is below 1.</exception>
    public int BlockRows
    {
        get => _blockRows;
        init => _blockRows = (int)Settings.AtLeast(1, value, nameof(BlockRows));
    }

    /// <summary>Blocks in memory at a time; their rows are mixed.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is below 1.</exception>
    public int BufferBlocks
    {
        get => _bufferBlocks;
        init => _bufferBlocks = (int)Settings.AtLeast(1, value, nameof(BufferBlocks));
    }

    /// <summary>Whether each epoch takes the blocks, and the rows in the buffer, in an order of its own; else the files' order.</summary>
    public bool Shuffle { get; init; } = true;

    /// <summary>The first row that is part of the data, of all files one after the other.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public long FirstRow
    {
        get => _firstRow;
        init => _firstRow = Settings.AtLeast(0, value, nameof(FirstRow));
    }

    /// <summary>How many rows are; null: all that follow.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is below 1.</exception>
    public long? Rows
    {
        get => _rows;
        init => _rows = value is { } rows ? Settings.AtLeast(1, rows, nameof(Rows)) : null;
    }
}
