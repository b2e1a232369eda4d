using System.Globalization;

namespace TorchZoo.Data.Sources;

/// <summary>Gets a file over HTTP.</summary>
internal static class Download
{
    private const int BufferSize = 1 << 16;

    /// <summary>Writes what an address holds to a stream.</summary>
    /// <param name="address">http or https.</param>
    /// <param name="target">Where it goes.</param>
    /// <param name="limit">Bytes that it must not exceed.</param>
    /// <param name="timeout">For the answer, and for each piece of it.</param>
    /// <param name="line">Shows how far it is.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="IOException">The message says what went wrong.</exception>
    public static void To(Uri address, Stream target, long limit, TimeSpan timeout, IProgressLine line, CancellationToken cancellation)
    {
        // On the thread pool: a caller's synchronisation context would wait for itself.
        Task.Run(() => ToAsync(address, target, limit, timeout, line, cancellation), CancellationToken.None).GetAwaiter().GetResult();
    }

    private static async Task ToAsync(
        Uri address, Stream target, long limit, TimeSpan timeout, IProgressLine line, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            using var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
            client.DefaultRequestHeaders.UserAgent.ParseAdd("TorchZoo");
            patience.CancelAfter(timeout);
            using var response = await client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, patience.Token)
                .ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
                throw new IOException($"{address}: the server answers {(int)response.StatusCode} {response.ReasonPhrase}");
            var total = response.Content.Headers.ContentLength;
            if (total > limit) throw new IOException($"{address}: expected at most {limit} bytes, the server announces {total}");

            var source = await response.Content.ReadAsStreamAsync(patience.Token).ConfigureAwait(false);
            var buffer = new byte[BufferSize];
            for (long done = 0; ;)
            {
                patience.CancelAfter(timeout);
                var count = await source.ReadAsync(buffer, patience.Token).ConfigureAwait(false);
                if (count == 0) break;
                if ((done += count) > limit) throw new IOException($"{address}: expected at most {limit} bytes, the server sends more");
                target.Write(buffer, 0, count);
                line.Report(Math.Min(1, (double)done / (total ?? limit)), Megabytes(done, total));
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"{address}: no answer for {timeout.TotalSeconds:0.#} s"));
        }
        catch (HttpRequestException e)
        {
            throw new IOException($"{address}: {e.Message}", e);
        }
        catch (HttpIOException e)
        {
            throw new IOException($"{address}: the transfer broke off. {e.Message}", e);
        }
    }

    private static string Megabytes(long done, long? total) => total is { } all
        ? string.Create(CultureInfo.InvariantCulture, $"{done / 1e6:0.0} of {all / 1e6:0.0} MB")
        : string.Create(CultureInfo.InvariantCulture, $"{done / 1e6:0.0} MB");
}
