using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using TorchZoo.Checkpoints;
using TorchZoo.Data.Pde;
using static TorchSharp.torch;

namespace TorchZoo.Data;

/// <summary>
/// A folder of generated data sets. A file is named after a hash of everything its data depend on, so that changed settings never meet old
/// data, and holds a checksum, so that a damaged file is made again and not trained on.
/// </summary>
public static class GeneratedData
{
    // Part of every key: raise it when a generator's numbers change for the same settings.
    private const int FormatVersion = 1;
    private const string KeyEntry = "torchzoo.settings";
    private const string ChecksumEntry = "torchzoo.sha256";

    /// <summary>Reads a data set, or makes and stores it if it isn't there or its file is damaged.</summary>
    /// <param name="folder">The cache; it is made if need be.</param>
    /// <param name="name">What the data are, e.g. <c>burgers</c>: letters, digits, dots, dashes and underscores. Part of the file's
    /// name.</param>
    /// <param name="settings">All that the data depend on, with the seed; written as JSON.</param>
    /// <param name="create">Makes the data. Types that safetensors files hold (no complex128).</param>
    /// <param name="display">Shows how far the work is; passed on to <paramref name="create"/>.</param>
    /// <param name="cancellation">Ends the work early; passed on to <paramref name="create"/>. Nothing is stored then.</param>
    /// <returns>The tensors, on the CPU when read from a file. They belong to the caller, or to the dispose scope that is open.</returns>
    /// <remarks>Processes that need the same set at once may each make it; each writes a file of its own and moves it into place
    /// whole.</remarks>
    /// <exception cref="ArgumentException">The name cannot be part of a file's name.</exception>
    /// <exception cref="IOException">The folder or file cannot be read or written.</exception>
    public static Dictionary<string, Tensor> GetOrCreate(string folder, string name, object settings,
        Func<IProgressDisplay, CancellationToken, Dictionary<string, Tensor>> create, IProgressDisplay? display = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(create);
        display ??= IProgressDisplay.None;
        cancellation.ThrowIfCancellationRequested();
        var path = PathOf(folder, name, settings);
        if (File.Exists(path))
        {
            try { return Read(path, Key(name, settings)); }
            catch (InvalidDataException e)
            {
                using var line = display.Start($"{Path.GetFileName(path)} is damaged and is made again");
                line.Report(1, e.Message);
            }
            catch (FileNotFoundException) { } // another process may clear the cache between the two lines
        }
        Directory.CreateDirectory(folder);
        var tensors = create(display, cancellation);
        SafetensorsFile.Save(path, tensors, new Dictionary<string, string>
        {
            [KeyEntry] = Key(name, settings),
            [ChecksumEntry] = Checksum(tensors),
        });
        return tensors;
    }

    /// <summary>Reads a generator's cases, or makes and stores them.</summary>
    /// <param name="folder">The cache; it is made if need be.</param>
    /// <param name="generator">Makes them; all its properties are part of the key.</param>
    /// <param name="samples">Cases.</param>
    /// <param name="seed">Seed of all randomness.</param>
    /// <param name="display">Shows how far the work is.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <inheritdoc cref="GetOrCreate(string, string, object, Func{IProgressDisplay, CancellationToken, Dictionary{string, Tensor}},
    /// IProgressDisplay?, CancellationToken)"/>
    public static Dictionary<string, Tensor> GetOrCreate(string folder, IDataGenerator generator, long samples, long seed,
        IProgressDisplay? display = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(generator);
        return GetOrCreate(folder, generator.Name, new { generator = (object)generator, samples, seed },
            (line, token) => generator.Generate(samples, seed, line, token), display, cancellation);
    }

    /// <summary>Where a data set is, or would be, stored.</summary>
    /// <inheritdoc cref="GetOrCreate(string, string, object, Func{IProgressDisplay, CancellationToken, Dictionary{string, Tensor}},
    /// IProgressDisplay?, CancellationToken)"/>
    public static string PathOf(string folder, string name, object settings)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(settings);
        if (!name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            throw new ArgumentException($"Expected letters, digits, dots, dashes and underscores, got '{name}'.", nameof(name));
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(Key(name, settings)));
        return Path.Combine(folder, $"{name}-{Convert.ToHexStringLower(hash.AsSpan(0, 8))}.safetensors");
    }

    private static string Key(string name, object settings) => ConfigJson.Write(new { format = FormatVersion, name, settings });

    private static Dictionary<string, Tensor> Read(string path, string key)
    {
        using var scope = NewDisposeScope();
        var metadata = SafetensorsFile.ReadHeader(path).Metadata;
        if (metadata.GetValueOrDefault(KeyEntry) != key) throw new InvalidDataException($"{path}: it was made with other settings");
        var tensors = SafetensorsFile.Load(path);
        if (metadata.GetValueOrDefault(ChecksumEntry) != Checksum(tensors))
            throw new InvalidDataException($"{path}: the checksum is wrong");
        foreach (var tensor in tensors.Values) tensor.MoveToOuterDisposeScope();
        return tensors;
    }

    // SHA-256 over names, types, shapes and values, in the order of the names.
    private static unsafe string Checksum(Dictionary<string, Tensor> tensors)
    {
        const int piece = 1 << 24;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, tensor) in tensors.OrderBy(t => t.Key, StringComparer.Ordinal))
        {
            using var plain = TensorMemory.Plain(tensor);
            var head = string.Create(CultureInfo.InvariantCulture, $"{name.Length}:{name}:{plain.dtype}:{string.Join(",", plain.shape)};");
            hash.AppendData(Encoding.UTF8.GetBytes(head));
            var pointer = TensorMemory.Pointer(plain);
            var length = plain.numel() * TensorMemory.ElementSize(plain.dtype);
            for (long done = 0; done < length; done += piece)
                hash.AppendData(new ReadOnlySpan<byte>(pointer + done, (int)Math.Min(piece, length - done)));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
