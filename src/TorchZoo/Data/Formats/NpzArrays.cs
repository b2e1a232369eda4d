using static TorchSharp.torch;

namespace TorchZoo.Data.Formats;

/// <summary>An archive of NumPy's as an <see cref="ArrayFile"/>. A range of an array that is compressed is unpacked from its begin, but not
/// kept.</summary>
internal sealed class NpzArrays : ArrayFile
{
    private readonly NpzFile _file;

    public NpzArrays(string path) : base(path)
    {
        _file = NpzFile.Open(path);
        try
        {
            foreach (var name in _file.Names)
            {
                NpyHeader header;
                try { header = _file.Header(name); }
                catch (InvalidDataException e) when (e.InnerException is NotSupportedException)
                {
                    AddOther(name, e.InnerException.Message);
                    continue;
                }
                if (header.HasColumns) AddOther(name, $"an array of records of {string.Join(", ", header.Fields.Select(f => f.Name))}");
                else Add(new ArrayInfo(name, header.Fields[0].Element.Dtype, header.Shape));
            }
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    private protected override void Dispose(bool disposing) => _file.Dispose();

    private protected override Tensor ReadCore(ArrayInfo array, (long First, long Count)? rows) =>
        (rows is { } r ? _file.Read(array.Name, r.First, r.Count) : _file.Read(array.Name)).contiguous();
}
