using TorchZoo.Checkpoints;

namespace TorchZoo.Data.Sources;

/// <summary>
/// A data set that someone publishes as files, and the ways to them: a folder that the user names, a package of the system, the user's
/// cache, the publisher. A data set is a declaration, see <see cref="Images.FashionMnist.Files"/>.
/// </summary>
public sealed record DatasetFiles
{
    /// <summary>The name of its folder in the cache, e.g. <c>fashion-mnist</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What its authors call it, e.g. Fashion-MNIST.</summary>
    public required string Title { get; init; }

    /// <summary>Its files.</summary>
    public required IReadOnlyList<DatasetFile> Files { get; init; }

    /// <summary>Where the publisher has them: what comes before a file's name, so it ends in a slash.</summary>
    public required Uri Address { get; init; }

    /// <summary>Where a package of the system puts them; null: none is known.</summary>
    public string? SystemFolder { get; init; }

    /// <summary>That package, e.g. Debian's <c>dataset-fashion-mnist</c>.</summary>
    public string? SystemPackage { get; init; }

    /// <summary>
    /// Finds the files: in <see cref="DatasetSearch.Folder"/> if given; otherwise in the first place that has them all, unharmed, of the
    /// system's package, the cache and the publisher, whose files go to the cache.
    /// </summary>
    /// <param name="search">Where to look; null: everywhere, with the default cache.</param>
    /// <param name="display">Shows how far downloads are.</param>
    /// <param name="cancellation">Ends the work early; a download that isn't finished leaves nothing behind.</param>
    /// <exception cref="DatasetNotFoundException">They are nowhere.</exception>
    public LocatedDataset Locate(DatasetSearch? search = null, IProgressDisplay? display = null, CancellationToken cancellation = default)
    {
        search ??= new DatasetSearch();
        display ??= IProgressDisplay.None;
        cancellation.ThrowIfCancellationRequested();
        string lack;
        if (search.Folder is { } folder)
            return In(folder, isVerified: false, cancellation, out lack)
                ?? throw new DatasetNotFoundException($"{Title} is not in the folder that was given: {lack}. {Expected}", null);

        List<string> tried = [];
        if (SystemFolder is not null)
        {
            if (In(SystemFolder, isVerified: true, cancellation, out lack) is { } found) return found;
            tried.Add($"the system's package{(SystemPackage is null ? "" : $" {SystemPackage}")}: {lack}");
        }
        Exception? inner = null;
        if (search.Cache.Length == 0) tried.Add("the cache: this user has no folder for one");
        else
        {
            var cache = Path.Combine(search.Cache, Name);
            if (In(cache, isVerified: true, cancellation, out lack) is { } found) return found;
            tried.Add($"the cache: {lack}");
            if (!search.MayDownload) tried.Add($"a download from {Address}: it is switched off");
            else
            {
                try { return Get(cache, search.Timeout, display, cancellation); }
                catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
                {
                    inner = e;
                    tried.Add($"a download: {e.Message}");
                }
            }
        }
        throw new DatasetNotFoundException(string.Join(Environment.NewLine,
            [$"{Title} was not found. Looked for in", .. tried.Select(t => $"  {t}"), Advice(search)]), inner);
    }

    /// <summary>Gets the files from the publisher into a folder, but for those that are there unharmed.</summary>
    /// <param name="folder">The folder; it is made if need be.</param>
    /// <param name="timeout">How long the publisher may take to answer, and then to send the next bytes.</param>
    /// <param name="display">Shows how far downloads are.</param>
    /// <param name="cancellation">Ends the work early; a download that isn't finished leaves nothing behind.</param>
    /// <exception cref="IOException">The publisher can't be reached, or the folder not be written.</exception>
    /// <exception cref="InvalidDataException">What came isn't what was published; it isn't kept.</exception>
    public LocatedDataset Fetch(string folder, TimeSpan timeout, IProgressDisplay? display = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(folder);
        return Get(folder, timeout, display ?? IProgressDisplay.None, cancellation);
    }

    /// <summary>Compares the files that are on this machine with what was published: those in <see cref="DatasetSearch.Folder"/> if given,
    /// else those of the system's package and in the cache.</summary>
    /// <param name="search">Where to look; null: the default cache. Nothing is downloaded.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>The files that were found, perhaps none.</returns>
    public IReadOnlyList<CheckedFile> Check(DatasetSearch? search = null, CancellationToken cancellation = default)
    {
        search ??= new DatasetSearch();
        string?[] folders = search.Folder is { } folder ? [folder] : [SystemFolder, search.Cache.Length == 0 ? null : Path.Combine(search.Cache, Name)];
        return [.. from place in folders
            where place is not null
            from file in Files
            let path = Find(place, file)
            where path is not null
            select new CheckedFile(path, Fault(file, path, cancellation))];
    }

    private string Expected => $"Expected {string.Join(", ", Files.Select(f => f.Name))}, packed or unpacked.";

    private string Advice(DatasetSearch search) => $"Name a folder that has the files (--data PATH)"
        + (SystemPackage is null ? "" : $", install the package {SystemPackage}")
        + (search.Cache.Length == 0 ? "" : $", put them into {Path.Combine(search.Cache, Name)}")
        + $", or let {Address} be reached. {Expected}";

    /// <summary>The files in a folder; null, and what is wrong, where not all are there or one isn't what was published.</summary>
    private LocatedDataset? In(string folder, bool isVerified, CancellationToken cancellation, out string lack)
    {
        lack = "";
        if (!Directory.Exists(folder))
        {
            lack = File.Exists(folder) ? $"{folder} is a file, expected a folder" : $"there is no folder {folder}";
            return null;
        }
        Dictionary<string, string> paths = [];
        foreach (var file in Files)
        {
            if (Find(folder, file) is { } path) paths[file.Name] = path;
            else lack += lack.Length == 0 ? $"{folder} lacks {file.Name}" : $", {file.Name}";
        }
        if (lack.Length > 0) return null;
        foreach (var file in isVerified ? Files : [])
        {
            lack = Fault(file, paths[file.Name], cancellation) ?? "";
            if (lack.Length > 0) return null;
        }
        return new LocatedDataset(folder, paths);
    }

    private static string? Find(string folder, DatasetFile file) =>
        file.Names.Select(n => Path.Combine(folder, n)).FirstOrDefault(File.Exists);

    private static string? Fault(DatasetFile file, string path, CancellationToken cancellation)
    {
        try
        {
            file.Verify(path, cancellation);
            return null;
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException) { return e.Message; }
    }

    private LocatedDataset Get(string cache, TimeSpan timeout, IProgressDisplay display, CancellationToken cancellation)
    {
        Directory.CreateDirectory(cache);
        Dictionary<string, string> paths = [];
        foreach (var file in Files)
        {
            if (Find(cache, file) is { } there && Fault(file, there, cancellation) is null)
            {
                paths[file.Name] = there;
                continue;
            }
            var path = paths[file.Name] = Path.Combine(cache, file.Name);
            var address = new Uri(Address, file.Name);
            using var line = display.Start($"{Title}: {file.Name}");
            AtomicFile.Write(path, stream =>
            {
                Download.To(address, stream, file.MaximumLength, timeout, line, cancellation);
                stream.Position = 0;
                file.Verify(stream, address.ToString(), cancellation);
            });
        }
        return new LocatedDataset(cache, paths);
    }
}
