using NUnit.Framework;
using TorchZoo.Data.Formats;
using TorchZoo.Testing;

namespace TorchZoo.Tests.Formats;

/// <summary>Whatever happened to a file, reading it gives arrays or says that it is damaged; no crash, no endless work, no huge memory.</summary>
public class DamagedArrayFileTests
{
    private const int Mutations = 150;

    private static readonly string[] Files =
    [
        "matlab/level5.mat", "matlab/level5_compressed.mat", "matlab/big_endian.mat", "matlab/level73.mat", "matlab/NavierStokes_V1e-3_N5000_T50.mat",
        "hdf5/earliest.h5", "hdf5/latest.h5", "npz/antiderivative_unaligned_test.npz", "table.parquet", "table.csv",
    ];

    private TemporaryFolder _folder = null!;

    [SetUp]
    public void Open() => _folder = new TemporaryFolder();

    [TearDown]
    public void Close() => _folder.Dispose();

    [Test]
    public void TruncatedFilesAreDamagedOrRead([ValueSource(nameof(Files))] string name)
    {
        var bytes = Content(name);
        var refused = 0;
        for (var part = 0; part < 50; part++)
            if (!IsRead(bytes[..(bytes.Length * part / 50)], name)) refused++;
        // A table of text is one wherever it ends, but for its quotes; elements of Level 5 end where an array does.
        Assert.That(refused, Is.GreaterThan(name.EndsWith(".csv") ? 0 : 30));
    }

    [Test]
    public void ChangedFilesAreDamagedOrRead([ValueSource(nameof(Files))] string name)
    {
        var bytes = Content(name);
        var random = new Random(5);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Mutations; i++)
        {
            var changed = (byte[])bytes.Clone();
            for (var n = random.Next(1, 8); n > 0; n--)
            {
                // What says how long something is, or where, is mostly at the begin or the end.
                var at = random.Next(3) switch
                {
                    0 => random.Next(changed.Length),
                    1 => random.Next(Math.Min(1024, changed.Length)),
                    _ => changed.Length - 1 - random.Next(Math.Min(512, changed.Length)),
                };
                changed[at] = random.Next(4) switch { 0 => 0xFF, 1 => 0, 2 => (byte)(changed[at] ^ (1 << random.Next(8))), _ => (byte)random.Next(256) };
            }
            _ = IsRead(changed, name);
        }
        Assert.That((GC.GetAllocatedBytesForCurrentThread() - before) / Mutations, Is.LessThan(256L << 20));
    }

    private byte[] Content(string name)
    {
        if (name == "table.parquet") ParquetFileTests.Write(_folder[name], groups: 2);
        else if (name == "table.csv")
            File.WriteAllLines(_folder[name], Enumerable.Range(0, 200).Select(i => $"{i},{i / 7.0:R},\"text, {i % 5}\"").Prepend("i,x,\"t\""));
        else return File.ReadAllBytes(TestData.PathOf(name));
        return File.ReadAllBytes(_folder[name]);
    }

    private bool IsRead(byte[] bytes, string name)
    {
        var path = _folder["damaged" + Path.GetExtension(name)];
        File.WriteAllBytes(path, bytes);
        try
        {
            using var file = ArrayFile.Open(path);
            var isWhole = true;
            foreach (var array in file.Arrays)
            {
                try
                {
                    using var read = file.Read(array.Name);
                    if (array.Rows <= 1 || array.Shape.Count == 0) continue;
                    using var part = file.Read(array.Name, 1, 1);
                }
                catch (InvalidDataException e)
                {
                    Assert.That(e.Message, Does.StartWith(path));
                    isWhole = false;
                }
            }
            return isWhole;
        }
        catch (InvalidDataException e)
        {
            Assert.That(e.Message, Does.StartWith(path));
            return false;
        }
    }
}
