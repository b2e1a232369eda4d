using TorchZoo.Data.Formats;
using TorchZoo.Data.Operators;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>
/// Triples of an operator in a file given with <c>--data</c>: the generators' <c>u</c>, <c>y</c>, <c>s</c>, or the layouts of DeepXDE's
/// published sets: <c>X_train0</c>, <c>X_train1</c>, <c>y_train</c> (a row a triple; <c>test</c> for <c>train</c>) and <c>X0</c>, <c>X1</c>,
/// <c>y</c> (functions that share their locations).
/// </summary>
internal static class TriplesFile
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="ArgumentException">It has none of these layouts.</exception>
    public static TripleDataset Load(string path)
    {
        using var file = ArrayFile.Open(path);
        Tensor Read(string name) => file.Read(name).to(ScalarType.Float32);
        try
        {
            if (Has("u", "y", "s"))
                return file["y"].Shape.Count == 2 ? new CartesianProductDataset(Read("u"), Read("y"), Read("s")).ToTriples()
                    : TripleDataset.FromFunctions(Read("u"), Read("y"), Read("s"));
            foreach (var part in (string[])["train", "test"])
                if (Has($"X_{part}0", $"X_{part}1", $"y_{part}"))
                {
                    var u = Read($"X_{part}0");
                    return new TripleDataset(u, arange(u.shape[0], ScalarType.Int64), Read($"X_{part}1"), Read($"y_{part}"));
                }
            if (Has("X0", "X1", "y")) return new CartesianProductDataset(Read("X0"), Read("X1"), Read("y")).ToTriples();
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"{path}: {e.Message}", "--data", e);
        }
        if (file.Others.TryGetValue("X", out var what) && what.Contains("pickle", StringComparison.Ordinal) && file.Contains("y"))
            throw new ArgumentException($"{path}: its 'X' is a pickled list of Python, which could run code and isn't read. "
                + "Write it once as plain arrays, in Python: d = np.load('FILE', allow_pickle=True); np.savez('NEW.npz', X0=d['X'][0], X1=d['X'][1], y=d['y'])", "--data");
        throw new ArgumentException($"{path}: expected arrays u, y, s, or X_train0, X_train1, y_train, or X0, X1, y; the file has "
            + string.Join(", ", file.Arrays.Select(a => $"{a.Name} ({string.Join(", ", a.Shape)})")), "--data");

        bool Has(params string[] names) => names.All(file.Contains);
    }

    /// <summary>The test set that belongs to a file of a training set by its name; null: there is none.</summary>
    public static string? TestOf(string path)
    {
        var name = Path.GetFileName(path);
        var other = Path.Combine(Path.GetDirectoryName(path) ?? "", name.Replace("_train.", "_test.", StringComparison.Ordinal));
        return other != path && Path.GetFileName(other) != name && File.Exists(other) ? other : null;
    }
}
