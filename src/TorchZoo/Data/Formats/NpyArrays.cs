using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>A file of NumPy's as an <see cref="ArrayFile"/>: its only array is called <c>array</c>, or it has named columns.</summary>
internal sealed class NpyArrays : ArrayFile
{
    private const string Name = "array";

    private readonly NpyFile _file;

    public NpyArrays(string path) : base(path)
    {
        _file = NpyFile.Open(path);
        try
        {
            if (_file.Dtype is { } dtype) Add(new ArrayInfo(Name, dtype, _file.Shape));
            foreach (var (name, type, shape) in _file.ColumnTypes) Add(new ArrayInfo(name, type, [.. _file.Shape, .. shape]));
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    private protected override void Dispose(bool disposing) => _file.Dispose();

    private protected override Tensor ReadCore(ArrayInfo array, (long First, long Count)? rows)
    {
        var result = _file.Dtype is not null ? rows is { } r ? _file.Read(r.First, r.Count) : _file.Read()
            : (rows is { } s ? _file.ReadColumns(s.First, s.Count) : _file.ReadColumns())[array.Name];
        return result.contiguous();
    }
}
